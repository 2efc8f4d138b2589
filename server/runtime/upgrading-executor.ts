import { errorMessage } from '../core/errors.js';
import type { Executor } from '../core/executor.js';
import type { BatchResult, DetectionLayout, InferenceRequest } from '../core/inference.js';
import type { TensorSignature } from '../core/tensors.js';

export interface Upgrade {
  /** Makes what takes over; ends early, by throwing, when the signal is aborted. */
  readonly create: (signal: AbortSignal) => Promise<Executor>;
  /** Told of what operators should know. */
  readonly log: (level: 'info' | 'error', message: string) => void;
}

/**
 * Serves with one executor until a better one is ready, and moves over to that: new batches go to the new one, the old
 * one ends its own and is disposed. Where the better one fails, the first goes on.
 */
export class UpgradingExecutor implements Executor {
  onIdle: () => void = () => {};
  #current: Executor;
  readonly #closing = new AbortController();
  readonly #upgrading: Promise<void>;

  /** Owns `first`. */
  constructor(first: Executor, upgrade: Upgrade) {
    this.#current = first;
    first.onIdle = () => this.onIdle();
    this.#upgrading = this.#upgrade(upgrade);
  }

  get instances(): number {
    return this.#current.instances;
  }

  get idle(): number {
    return this.#current.idle;
  }

  get devices(): readonly string[] {
    return this.#current.devices;
  }

  get layout(): DetectionLayout | null {
    return this.#current.layout;
  }

  get signature(): TensorSignature | null {
    return this.#current.signature;
  }

  execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    return this.#current.execute(batch);
  }

  /** Ends the making of the better executor too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#upgrading;
    await this.#current[Symbol.asyncDispose]();
  }

  /** Never rejects. */
  async #upgrade({ create, log }: Upgrade): Promise<void> {
    const { signal } = this.#closing;
    let next: Executor;
    try {
      next = await create(signal);
    } catch (cause) {
      if (!signal.aborted) log('error', `the model stays on the CPU: ${errorMessage(cause)}`);
      return;
    }
    try {
      if (signal.aborted) await next[Symbol.asyncDispose]();
      else await this.#moveTo(next, log);
    } catch (cause) {
      log('error', `instances were not closed: ${errorMessage(cause)}`);
    }
  }

  async #moveTo(next: Executor, log: Upgrade['log']): Promise<void> {
    const old = this.#current;
    old.onIdle = () => {};
    next.onIdle = () => this.onIdle();
    this.#current = next;
    log('info', 'the model has moved from the CPU to the GPU');
    // All of its instances are idle, and nobody has heard of it.
    this.onIdle();
    await old[Symbol.asyncDispose]();
  }
}
