/** Changes of things by their names: those of one thing are made one after the other. */
export class Turns {
  /** The last change of each. */
  readonly #work = new Map<string, Promise<void>>();

  /** Makes a change when those before it are done, whatever came of them. */
  take(name: string, change: () => Promise<void>): Promise<void> {
    const work = (this.#work.get(name) ?? Promise.resolve()).then(change, change);
    this.#work.set(name, work);
    const forget = (): void => {
      if (this.#work.get(name) === work) this.#work.delete(name);
    };
    work.then(forget, forget);
    return work;
  }
}
