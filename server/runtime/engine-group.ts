import type { Executor } from '../core/executor.js';
import type { BatchResult, DetectionLayout, InferenceRequest } from '../core/inference.js';
import type { TensorSignature } from '../core/tensors.js';

/** The instances of a version on GPUs, with the plans that they, and those that replace them, are made from. */
export class EngineGroup implements Executor {
  readonly #group: Executor;
  readonly #plans: AsyncDisposable;

  /** Owns both. */
  constructor(group: Executor, plans: AsyncDisposable) {
    this.#group = group;
    this.#plans = plans;
  }

  get instances(): number {
    return this.#group.instances;
  }

  get idle(): number {
    return this.#group.idle;
  }

  get devices(): readonly string[] {
    return this.#group.devices;
  }

  get layout(): DetectionLayout | null {
    return this.#group.layout;
  }

  get signature(): TensorSignature | null {
    return this.#group.signature;
  }

  get onIdle(): () => void {
    return this.#group.onIdle;
  }

  set onIdle(listener: () => void) {
    this.#group.onIdle = listener;
  }

  execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    return this.#group.execute(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group[Symbol.asyncDispose]();
    await this.#plans[Symbol.asyncDispose]();
  }
}
