import { ServingError, type ErrorData } from '../core/errors.js';

/** What a side answers to: each call has at most one argument, and everything survives JSON. */
type Calls<T> = { readonly [N in keyof T]: (argument: never) => unknown };

type Message =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly type: 'value'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorData };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: ServingError) => void;
}

/** One side of the channel between two processes: calls what the other side answers to, as `Remote` has it. */
export class Peer<Remote extends Calls<Remote>> {
  readonly #send: (message: object) => void;
  readonly #local: Readonly<Record<string, (argument: never) => unknown>>;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #closed = false;

  constructor(send: (message: object) => void, local: Readonly<Record<string, (argument: never) => unknown>>) {
    this.#send = send;
    this.#local = local;
  }

  /** Rejects with what the other side threw, or with INSTANCE_LOST when it ends before it has answered. */
  call<N extends keyof Remote & string>(
    name: N,
    ...[argument]: Parameters<Remote[N]>
  ): Promise<Awaited<ReturnType<Remote[N]>>> {
    return new Promise((resolve, reject) => {
      const id = this.#calls++;
      if (this.#closed) reject(ended());
      else {
        this.#waiting.set(id, { resolve, reject });
        this.#send({ type: 'call', id, name, argument } satisfies Message);
      }
    });
  }

  /** To be given every message of the other side; those of others are left alone. */
  receive(data: unknown): void {
    const message = data as Message;
    if (message.type === 'call') void this.#answer(message.id, message.name, message.argument);
    else if (message.type === 'value') this.#take(message.id)?.resolve(message.value as never);
    else if (message.type === 'error') this.#take(message.id)?.reject(ServingError.fromData(message.error));
  }

  /** The other side has ended. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(ended());
    this.#waiting.clear();
  }

  async #answer(id: number, name: string, argument: unknown): Promise<void> {
    let message: Message;
    try {
      message = { type: 'value', id, value: await this.#local[name]?.(argument as never) };
    } catch (cause) {
      message = { type: 'error', id, error: ServingError.from(cause).toData() };
    }
    if (!this.#closed) this.#send(message);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

function ended(): ServingError {
  return new ServingError('INSTANCE_LOST', 'the process of the server that had to answer has ended; try again');
}
