import { failedCall } from './failure.js';
import type { Outcome, Sender } from './target.js';

/**
 * One stream, whose answers come in the order of its requests. When it fails, all that it has not answered has failed;
 * the next request opens it anew.
 */
export class StreamSender<T> implements Sender {
  readonly #open: (items: AsyncIterable<T>) => AsyncIterable<Outcome>;
  readonly #next: () => T;
  #stream: OpenStream<T> | null = null;

  /** `open` starts a stream of items, `next` makes one. */
  constructor(open: (items: AsyncIterable<T>) => AsyncIterable<Outcome>, next: () => T) {
    this.#open = open;
    this.#next = next;
  }

  send(): Promise<Outcome> {
    if (this.#stream === null || this.#stream.ended) this.#stream = new OpenStream(this.#open);
    return this.#stream.send(this.#next());
  }

  async close(): Promise<void> {
    await this.#stream?.close();
    this.#stream = null;
  }
}

class OpenStream<T> {
  ended = false;
  readonly #waiting: ((outcome: Outcome) => void)[] = [];
  readonly #unsent: T[] = [];
  readonly #answered: Promise<void>;
  #closing = false;
  #wake = (): void => {};

  constructor(open: (items: AsyncIterable<T>) => AsyncIterable<Outcome>) {
    this.#answered = this.#read(open);
  }

  send(item: T): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#unsent.push(item);
      this.#wake();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#answered;
  }

  async #read(open: (items: AsyncIterable<T>) => AsyncIterable<Outcome>): Promise<void> {
    let end: Outcome = {
      failure: { status: 'OK', message: 'the server ended the stream with requests unanswered' },
      timings: null,
    };
    try {
      for await (const outcome of open(this.#items())) this.#waiting.shift()?.(outcome);
    } catch (error) {
      end = failedCall(error);
    }
    this.ended = true;
    for (const resolve of this.#waiting.splice(0)) resolve(end);
  }

  async *#items(): AsyncGenerator<T> {
    for (;;) {
      while (this.#unsent.length > 0) yield this.#unsent.shift()!;
      if (this.#closing) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
