import type { Clock } from './clock.js';
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

/** How often something was done, and how long all of it took together, in microseconds. */
export interface DurationSum {
  readonly count: number;
  readonly us: number;
}

/** What one size of batches took. Counts are executions, however many requests shared them. */
export interface BatchSizeCounts {
  /** Rows. */
  readonly size: number;
  readonly input: DurationSum;
  readonly infer: DurationSum;
  readonly output: DurationSum;
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

class Sum implements DurationSum {
  count = 0;
  us = 0;

  add(us: number): void {
    this.count += 1;
    this.us += us;
  }
}

class SizeSums implements BatchSizeCounts {
  readonly input = new Sum();
  readonly infer = new Sum();
  readonly output = new Sum();

  constructor(readonly size: number) {}
}

/**
 * What became of the requests of one model version, in plain numbers that cost next to nothing to add to: the one source
 * of what metrics and statistics tell. It counts as Triton does: input is decoding and pre-processing, output
 * post-processing, and each request that succeeded has all of what its batch took.
 */
export class InferenceCounts {
  readonly #clock: Clock;
  readonly #success = new Sum();
  readonly #fail = new Sum();
  readonly #queue = new Sum();
  readonly #input = new Sum();
  readonly #infer = new Sum();
  readonly #output = new Sum();
  readonly #cacheHit = new Sum();
  readonly #cacheMiss = new Sum();
  readonly #failures = new Map<ErrorCode, number>();
  readonly #batches = new Map<number, SizeSums>();
  #dropped = 0;
  #inferences = 0;
  #executions = 0;
  #executedRequests = 0;
  #lastAt: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests settled: answered, failed or dropped. */
  get requests(): number {
    return this.#success.count + this.#fail.count + this.#dropped;
  }

  /** From arrival to answer. */
  get success(): DurationSum {
    return this.#success;
  }

  /** Frames that the policy of their stream dropped are none. */
  get fail(): DurationSum {
    return this.#fail;
  }

  get queue(): DurationSum {
    return this.#queue;
  }

  get input(): DurationSum {
    return this.#input;
  }

  get infer(): DurationSum {
    return this.#infer;
  }

  get output(): DurationSum {
    return this.#output;
  }

  /** Requests that were answered with the results of an equal one, part of `success`. */
  get cacheHits(): DurationSum {
    return this.#cacheHit;
  }

  /** Answers that were computed although they could have been kept. */
  get cacheMisses(): DurationSum {
    return this.#cacheMiss;
  }

  /** Frames that a newer one replaced. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Failed requests by their code, those that have occurred. */
  get failures(): ReadonlyMap<ErrorCode, number> {
    return this.#failures;
  }

  /** Rows of the requests whose results were computed. */
  get inferences(): number {
    return this.#inferences;
  }

  /** Batches. */
  get executions(): number {
    return this.#executions;
  }

  /** Requests that were part of an executed batch. */
  get executedRequests(): number {
    return this.#executedRequests;
  }

  /** Microseconds of the clock at which the last batch had been executed; null: none was. */
  get lastAt(): number | null {
    return this.#lastAt;
  }

  /** Ascending by size, those that have occurred. */
  get batches(): readonly BatchSizeCounts[] {
    return [...this.#batches.values()].sort((a, b) => a.size - b.size);
  }

  failuresFor(reason: FailureReason): number {
    let sum = 0;
    for (const [code, count] of this.#failures) if ((REASONS[code] ?? 'OTHER') === reason) sum += count;
    return sum;
  }

  /** A request of so many rows was answered with results. */
  succeeded(timings: RequestTimings, rows: number): void {
    this.#inferences += rows;
    this.#success.add(timings.total);
    this.#queue.add(timings.queue);
    this.#input.add(timings.decode + timings.preprocess);
    this.#infer.add(timings.infer);
    this.#output.add(timings.postprocess);
  }

  /** A request was answered with the results of an equal one: none of the phases had anything to do with it. */
  cacheHit(timings: RequestTimings, hitUs: number): void {
    this.#success.add(timings.total);
    this.#queue.add(timings.queue);
    this.#cacheHit.add(hitUs);
  }

  cacheMissed(missUs: number): void {
    this.#cacheMiss.add(missUs);
  }

  /** A request was refused, dropped or answered with an error, `totalUs` microseconds after its arrival. */
  failed(code: ErrorCode, totalUs: number): void {
    if (code === 'FRAME_DROPPED') {
      this.#dropped += 1;
      return;
    }
    this.#fail.add(totalUs);
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }

  batchExecuted(batch: ExecutedBatch): void {
    this.#executions += 1;
    this.#executedRequests += batch.requests;
    this.#lastAt = this.#clock.now();
    let sums = this.#batches.get(batch.rows);
    if (sums === undefined) {
      sums = new SizeSums(batch.rows);
      this.#batches.set(batch.rows, sums);
    }
    sums.input.add(batch.decodeUs + batch.preprocessUs);
    sums.infer.add(batch.inferUs);
    sums.output.add(batch.postprocessUs);
  }
}
