import { systemClock } from '../core/clock.js';
import { InferenceCounts, type ExecutedBatch } from '../core/inference-counts.js';
import type { RequestTimings } from '../core/inference.js';
import type { ModelStatistics } from '../core/statistics.js';
import { BucketCounts } from './bucket-counts.js';
import { BATCH_BUCKETS, DURATION_BUCKETS } from './metric-definitions.js';

export const PHASES = ['queue', 'decode', 'preprocess', 'infer', 'postprocess'] as const;

/** What is counted of one model version. It begins at 0 when it is opened, and ends when its last user is disposed. */
export class ModelSeries {
  readonly labels: { readonly model: string; readonly version: string };
  readonly counts = new InferenceCounts(systemClock);
  readonly requestSeconds = new BucketCounts(DURATION_BUCKETS);
  readonly phaseSeconds: { readonly [Phase in (typeof PHASES)[number]]: BucketCounts } = {
    queue: new BucketCounts(DURATION_BUCKETS),
    decode: new BucketCounts(DURATION_BUCKETS),
    preprocess: new BucketCounts(DURATION_BUCKETS),
    infer: new BucketCounts(DURATION_BUCKETS),
    postprocess: new BucketCounts(DURATION_BUCKETS),
  };
  readonly batchRows = new BucketCounts(BATCH_BUCKETS);
  /** Null: it has not been told. */
  loadSeconds: number | null = null;
  #users = 0;

  constructor(model: string, version: number) {
    this.labels = { model, version: String(version) };
  }

  /** A user of the series; `onEmpty` is called when the last one is disposed. */
  open(onEmpty: () => void): ModelStatistics {
    this.#users += 1;
    return {
      counts: this.counts,
      succeeded: (timings, rows) => this.#succeeded(timings, rows),
      cacheHit: (timings, hitUs) => this.#cacheHit(timings, hitUs),
      cacheMissed: (missUs) => this.counts.cacheMissed(missUs),
      failed: ({ code }, totalUs) => this.counts.failed(code, totalUs),
      batchExecuted: (batch) => this.#batchExecuted(batch),
      dispose: () => {
        this.#users -= 1;
        if (this.#users === 0) onEmpty();
      },
    };
  }

  #succeeded(timings: RequestTimings, rows: number): void {
    this.counts.succeeded(timings, rows);
    this.requestSeconds.add(timings.total / 1e6);
  }

  #cacheHit(timings: RequestTimings, hitUs: number): void {
    this.counts.cacheHit(timings, hitUs);
    this.requestSeconds.add(timings.total / 1e6);
  }

  #batchExecuted(batch: ExecutedBatch): void {
    this.counts.batchExecuted(batch);
    this.batchRows.add(batch.rows);
    const { queue, decode, preprocess, infer, postprocess } = this.phaseSeconds;
    for (const waitedUs of batch.queueUs) queue.add(waitedUs / 1e6);
    decode.add(batch.decodeUs / 1e6);
    preprocess.add(batch.preprocessUs / 1e6);
    infer.add(batch.inferUs / 1e6);
    postprocess.add(batch.postprocessUs / 1e6);
  }
}
