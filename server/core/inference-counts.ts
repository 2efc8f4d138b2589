import type { Clock } from './clock.js';
import type { ServingError } from './errors.js';
import type { RequestTimings } from './inference.js';
import type { ExecutedBatch, ModelStatistics } from './statistics.js';

/** How often something happened, and how long all of it took together, in microseconds. */
export interface DurationSum {
  readonly count: number;
  readonly us: number;
}

/** What one size of batches took. Counts are executions. */
export interface BatchSizeCounts {
  /** Rows. */
  readonly size: number;
  readonly input: DurationSum;
  readonly infer: DurationSum;
  readonly output: DurationSum;
}

/** What a loaded version has done, in the terms of the open inference protocol. Counts of durations are requests. */
export interface InferenceCountsSnapshot {
  /** Rows of requests that were answered with results. */
  readonly inferences: number;
  readonly executions: number;
  /** Microseconds of the clock at which the last request was answered; null: none was. */
  readonly lastAt: number | null;
  readonly success: DurationSum;
  readonly fail: DurationSum;
  readonly queue: DurationSum;
  /** Decoding and preparing of what the network is fed. */
  readonly input: DurationSum;
  readonly infer: DurationSum;
  /** Making results of what it gives. */
  readonly output: DurationSum;
  /** Ascending by size. */
  readonly batches: readonly BatchSizeCounts[];
}

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

/** Counts what a loaded version does, from its load on, and passes every report on. */
export class InferenceCounts {
  readonly #next: ModelStatistics;
  readonly #clock: Clock;
  readonly #success = new Sum();
  readonly #fail = new Sum();
  readonly #queue = new Sum();
  readonly #input = new Sum();
  readonly #infer = new Sum();
  readonly #output = new Sum();
  readonly #batches = new Map<number, SizeSums>();
  #inferences = 0;
  #executions = 0;
  #lastAt: number | null = null;

  constructor(next: ModelStatistics, clock: Clock) {
    this.#next = next;
    this.#clock = clock;
  }

  /** A request of so many rows was answered with results. */
  succeeded(timings: RequestTimings, rows: number): void {
    this.#inferences += rows;
    this.#lastAt = this.#clock.now();
    this.#success.add(timings.total);
    this.#queue.add(timings.queue);
    this.#input.add(timings.decode + timings.preprocess);
    this.#infer.add(timings.infer);
    this.#output.add(timings.postprocess);
    this.#next.succeeded(timings.total);
  }

  /** A request was refused, dropped or answered with an error, `totalUs` microseconds after its arrival. */
  failed(error: ServingError, totalUs: number): void {
    this.#fail.add(totalUs);
    this.#next.failed(error);
  }

  batchExecuted(batch: ExecutedBatch): void {
    this.#executions += 1;
    let sums = this.#batches.get(batch.rows);
    if (sums === undefined) {
      sums = new SizeSums(batch.rows);
      this.#batches.set(batch.rows, sums);
    }
    sums.input.add(batch.decodeUs + batch.preprocessUs);
    sums.infer.add(batch.inferUs);
    sums.output.add(batch.postprocessUs);
    this.#next.batchExecuted(batch);
  }

  snapshot(): InferenceCountsSnapshot {
    return {
      inferences: this.#inferences,
      executions: this.#executions,
      lastAt: this.#lastAt,
      success: { ...this.#success },
      fail: { ...this.#fail },
      queue: { ...this.#queue },
      input: { ...this.#input },
      infer: { ...this.#infer },
      output: { ...this.#output },
      batches: [...this.#batches.values()]
        .sort((a, b) => a.size - b.size)
        .map(({ size, input, infer, output }) => ({
          size,
          input: { ...input },
          infer: { ...infer },
          output: { ...output },
        })),
    };
  }
}
