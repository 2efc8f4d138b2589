/** What becomes of a frame, once it is inferred. */
export interface Outcome<Response> {
  /** Gives the response, when all earlier frames have given theirs. Never rejects. */
  respond(): Response | Promise<Response>;
  /** Called instead where nobody waits for it any more. */
  discard(): void;
}

/** The place of one frame's answer in its stream. */
export interface Slot<Response> {
  /** Gives the outcome; to be called once. */
  settle(outcome: Outcome<Response>): void;
}

interface OpenSlot<Response> extends Slot<Response> {
  /** Null: not settled yet, or asked for its response already. */
  outcome: Outcome<Response> | null;
  /** Set once asked for. */
  response: Promise<Response> | null;
}

/**
 * The frames of a stream that are not yet answered, in order: bounds how many there are, asks their outcomes for the
 * responses and writes those. A response that takes its time holds up the writing, but not the asking.
 */
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
    const slot: OpenSlot<Response> = {
      outcome: null,
      response: null,
      settle: (outcome) => {
        if (this.#closed) {
          outcome.discard();
          return;
        }
        slot.outcome = outcome;
        this.#ask();
        if (!this.#writing) void this.#writeInOrder();
      },
    };
    this.#slots.push(slot);
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
    for (const slot of this.#slots) {
      slot.outcome?.discard();
      slot.outcome = null;
    }
    this.#wake();
  }

  /** Asks for responses, as far as the frames are settled. */
  #ask(): void {
    for (const slot of this.#slots) {
      if (slot.response !== null) continue;
      const { outcome } = slot;
      if (outcome === null) return;
      slot.outcome = null;
      slot.response = Promise.resolve(outcome.respond());
    }
  }

  async #writeInOrder(): Promise<void> {
    this.#writing = true;
    for (let head = this.#slots[0]; head?.response != null && !this.#closed; head = this.#slots[0]) {
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
