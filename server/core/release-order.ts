/** Lets things out in the order in which their places were taken, however they become ready. */
export class ReleaseOrder {
  readonly #places: { release: (() => void) | null }[] = [];

  /** Takes the next place. To be called back once with what lets the thing out; it runs when all before it have. */
  take(): (release: () => void) => void {
    const place: { release: (() => void) | null } = { release: null };
    this.#places.push(place);
    return (release) => {
      place.release = release;
      for (let head = this.#places[0]; head?.release != null; head = this.#places[0]) {
        this.#places.shift();
        head.release();
      }
    };
  }
}
