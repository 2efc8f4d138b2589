/** The frames of a stream from the oldest without an answer on. They are taken from their source once, and read again. */
export class UnansweredFrames<F> implements Disposable {
  /** How many have an answer. */
  answered = 0;
  readonly #source: Iterator<F> | AsyncIterator<F>;
  readonly #frames: F[] = [];
  /** While the source is asked: whether it has given one more. */
  #asking: Promise<boolean> | null = null;
  #exhausted = false;

  constructor(frames: Iterable<F> | AsyncIterable<F>) {
    this.#source = Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
  }

  /** The oldest frame has its answer, and is let go. */
  answer(): void {
    this.answered += 1;
    this.#frames.shift();
  }

  /** From the oldest frame without an answer to the end of the source. Only the newest of these readers is used. */
  async *again(): AsyncGenerator<F> {
    for (let position = this.answered; ; position++) {
      while (position - this.answered >= this.#frames.length) {
        // A reader before this one may still wait for the frame that is this one's.
        this.#asking ??= this.#ask();
        if (!(await this.#asking)) return;
      }
      yield this.#frames[position - this.answered]!;
    }
  }

  /** Nobody reads any more. The source may be waiting for its next frame, which is not waited for. */
  [Symbol.dispose](): void {
    if (this.#exhausted) return;
    Promise.resolve(this.#source.return?.()).catch(() => {});
  }

  async #ask(): Promise<boolean> {
    const next = await this.#source.next();
    this.#asking = null;
    if (next.done === true) this.#exhausted = true;
    else this.#frames.push(next.value);
    return next.done !== true;
  }
}
