/** The place of one frame's answer in its stream. */
export interface Slot<Response> {
  /** Gives the answer; to be called once. */
  settle(response: Response): void;
}

interface OpenSlot<Response> extends Slot<Response> {
  readonly response: Promise<Response>;
}

/** The frames of a stream that are not yet answered, in order: bounds how many there are and writes their answers. */
export class StreamWindow<Response> {
  readonly #write: (response: Response) => Promise<void>;
  readonly #onEmpty: () => void;
  readonly #slots: OpenSlot<Response>[] = [];
  /** Wakes whoever waits for fewer slots. */
  #waiters: (() => void)[] = [];
  #writing = false;
  #closed = false;

  /** `write` hands an answer on and resolves when the next one may come; `onEmpty` is told when all are written. */
  constructor(write: (response: Response) => Promise<void>, onEmpty: () => void) {
    this.#write = write;
    this.#onEmpty = onEmpty;
  }

  get empty(): boolean {
    return this.#slots.length === 0;
  }

  /** Takes the next place. */
  open(): Slot<Response> {
    let settle!: (response: Response) => void;
    const response = new Promise<Response>((resolve) => {
      settle = resolve;
    });
    const slot = { response, settle };
    this.#slots.push(slot);
    if (!this.#writing) void this.#writeInOrder();
    return slot;
  }

  /** Resolves when fewer than `size` frames are unanswered, or the window is closed. */
  async room(size: number): Promise<void> {
    while (this.#slots.length >= size && !this.#closed) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Resolves when every frame has been answered, or the window is closed. */
  drained(): Promise<void> {
    return this.room(1);
  }

  /** Nothing is written any more, and nobody waits. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async #writeInOrder(): Promise<void> {
    this.#writing = true;
    for (let head = this.#slots[0]; head !== undefined && !this.#closed; head = this.#slots[0]) {
      const response = await head.response;
      if (this.#closed) break;
      await this.#write(response);
      this.#slots.shift();
      this.#wake();
    }
    this.#writing = false;
    if (this.empty) this.#onEmpty();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
