import type { ErrorCode } from './errors.js';
import type { RequestTimings } from './inference.js';

/** A batch that an instance has executed. Lengths of time are microseconds. */
export interface ExecutedBatch {
  /** Requests that shared the batch, at least 1. */
  readonly requests: number;
  /** Rows of the batch: one a picture, or one a region. */
  readonly rows: number;
  /** How long each of its requests waited before the batch was cut. */
  readonly queueUs: readonly number[];
  readonly decodeUs: number;
  readonly preprocessUs: number;
  readonly inferUs: number;
  readonly postprocessUs: number;
}

/** How often something was done, and how long all of it took. */
export interface DurationCount {
  count: number;
  /** Nanoseconds, a whole number of them up to rounding. */
  ns: number;
}

/** What the executions of one batch size came to: each is counted once, however many requests shared it. */
export interface BatchCounts {
  readonly computeInput: DurationCount;
  readonly computeInfer: DurationCount;
  readonly computeOutput: DurationCount;
}

/** Why a request failed, in the words of Triton's metrics. */
export const FAILURE_REASONS = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const;

export type FailureReason = (typeof FAILURE_REASONS)[number];

/** REJECTED: it never got into a batch for want of room or time. BACKEND: whoever executed it failed. */
const REASONS: Partial<Record<ErrorCode, FailureReason>> = {
  QUEUE_FULL: 'REJECTED',
  DEADLINE_EXCEEDED: 'REJECTED',
  CANCELLED: 'CANCELED',
  INSTANCE_LOST: 'BACKEND',
  DEVICE_OUT_OF_MEMORY: 'BACKEND',
  DEVICE_LOST: 'BACKEND',
  INTERNAL: 'BACKEND',
};

/**
 * What became of the requests of one model version, as plain numbers that cost next to nothing to add to: the one source
 * of what metrics and statistics tell. As Triton counts: compute input is decoding and pre-processing, compute output
 * post-processing, and each request that succeeded has all of what its batch took.
 */
export class InferenceCounts {
  /** Of requests from their arrival to their answer. */
  readonly success = newCount();
  /** Frames that the policy of their stream dropped are none. */
  readonly fail = newCount();
  readonly queue = newCount();
  readonly computeInput = newCount();
  readonly computeInfer = newCount();
  readonly computeOutput = newCount();
  /** Frames that a newer one replaced. */
  dropped = 0;
  /** Rows of the requests that succeeded. */
  inferences = 0;
  /** Batches. */
  executions = 0;
  /** Requests that were part of an executed batch. */
  executedRequests = 0;
  /** Milliseconds since 1970 at the last execution; 0: there was none. */
  lastInferenceMs = 0;
  /** By error code, those that have occurred. */
  readonly failures = new Map<ErrorCode, number>();
  /** By rows of the batch, those that have occurred. */
  readonly batches = new Map<number, BatchCounts>();
  readonly #wallClock: () => number;

  /** `wallClock` tells the milliseconds since 1970. */
  constructor(wallClock: () => number) {
    this.#wallClock = wallClock;
  }

  /** Requests settled: answered, failed or dropped. */
  get requests(): number {
    return this.success.count + this.fail.count + this.dropped;
  }

  failuresFor(reason: FailureReason): number {
    let sum = 0;
    for (const [code, count] of this.failures) if ((REASONS[code] ?? 'OTHER') === reason) sum += count;
    return sum;
  }

  succeeded(timings: RequestTimings, rows: number): void {
    add(this.success, timings.total);
    add(this.queue, timings.queue);
    add(this.computeInput, timings.decode + timings.preprocess);
    add(this.computeInfer, timings.infer);
    add(this.computeOutput, timings.postprocess);
    this.inferences += rows;
  }

  failed(code: ErrorCode, totalUs: number): void {
    if (code === 'FRAME_DROPPED') {
      this.dropped += 1;
      return;
    }
    add(this.fail, totalUs);
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  batchExecuted(batch: ExecutedBatch): void {
    this.executions += 1;
    this.executedRequests += batch.requests;
    this.lastInferenceMs = this.#wallClock();
    let counts = this.batches.get(batch.rows);
    if (counts === undefined) {
      counts = { computeInput: newCount(), computeInfer: newCount(), computeOutput: newCount() };
      this.batches.set(batch.rows, counts);
    }
    add(counts.computeInput, batch.decodeUs + batch.preprocessUs);
    add(counts.computeInfer, batch.inferUs);
    add(counts.computeOutput, batch.postprocessUs);
  }
}

function newCount(): DurationCount {
  return { count: 0, ns: 0 };
}

function add(to: DurationCount, microseconds: number): void {
  to.count += 1;
  to.ns += microseconds * 1000;
}
