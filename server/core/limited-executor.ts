import type { Executor } from './executor.js';
import type { BatchResult, DetectionLayout, InferenceRequest } from './inference.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';
import type { RateLimiter, Turn } from './rate-limiter.js';
import type { TensorSignature } from './tensors.js';

/**
 * An executor whose executions take resources of a RateLimiter. Owns the executor. Throws as RateLimiter.join does; the
 * executor is closed then.
 */
export async function withRateLimit(
  executor: Executor,
  config: RateLimiterConfig,
  limiter: RateLimiter,
): Promise<Executor> {
  try {
    return new LimitedExecutor(executor, config, limiter);
  } catch (cause) {
    await executor[Symbol.asyncDispose]();
    throw cause;
  }
}

/** Idle only as far as its resources are free, so that requests wait in the queue of the version and can still leave it. */
class LimitedExecutor implements Executor {
  onIdle: () => void = () => {};
  readonly #inner: Executor;
  readonly #turn: Turn;

  constructor(inner: Executor, config: RateLimiterConfig, limiter: RateLimiter) {
    this.#inner = inner;
    this.#turn = limiter.join(config, inner.devices, { able: () => inner.idle > 0, offer: () => this.onIdle() });
    inner.onIdle = () => this.onIdle();
  }

  get instances(): number {
    return this.#inner.instances;
  }

  get idle(): number {
    return Math.min(this.#inner.idle, this.#turn.free);
  }

  get devices(): readonly string[] {
    return this.#inner.devices;
  }

  get layout(): DetectionLayout | null {
    return this.#inner.layout;
  }

  get signature(): TensorSignature | null {
    return this.#inner.signature;
  }

  want(wants: boolean): void {
    this.#turn.want(wants);
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    this.#turn.start();
    try {
      return await this.#inner.execute(batch);
    } finally {
      this.#turn.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#turn[Symbol.dispose]();
    await this.#inner[Symbol.asyncDispose]();
  }
}
