import type { Executor } from './executor.js';
import type { BatchResult, InferenceRequest } from './inference.js';
import type { TensorSignature } from './tensors.js';

/** An executor of tensors that gives an inner one, which it owns, other requests than it is given. */
export abstract class TensorTranslation implements Executor {
  abstract readonly signature: TensorSignature;
  readonly layout = null;
  protected readonly inner: Executor;

  protected constructor(inner: Executor) {
    this.inner = inner;
  }

  get instances(): number {
    return this.inner.instances;
  }

  get devices(): readonly string[] {
    return this.inner.devices;
  }

  get idle(): number {
    return this.inner.idle;
  }

  get onIdle(): () => void {
    return this.inner.onIdle;
  }

  set onIdle(listener: () => void) {
    this.inner.onIdle = listener;
  }

  abstract execute(batch: readonly InferenceRequest[]): Promise<BatchResult>;

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }
}
