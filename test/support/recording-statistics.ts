import type { ErrorCode, ServingError } from '../../server/core/errors.js';
import { InferenceCounts, type ExecutedBatch } from '../../server/core/inference-counts.js';
import type { RequestTimings } from '../../server/core/inference.js';
import type { ModelStatistics } from '../../server/core/statistics.js';
import { FakeClock } from './fake-clock.js';

/** Statistics that remember every call. */
export class RecordingStatistics implements ModelStatistics {
  readonly counts = new InferenceCounts(new FakeClock());
  readonly totals: number[] = [];
  readonly hits: number[] = [];
  misses = 0;
  readonly failures: ErrorCode[] = [];
  readonly batches: ExecutedBatch[] = [];
  disposed = 0;

  /** Requests reported, however they ended. */
  get reported(): number {
    return this.totals.length + this.hits.length + this.failures.length;
  }

  succeeded({ total }: RequestTimings): void {
    this.totals.push(total);
  }

  cacheHit({ total }: RequestTimings): void {
    this.hits.push(total);
  }

  cacheMissed(): void {
    this.misses += 1;
  }

  failed({ code }: ServingError): void {
    this.failures.push(code);
  }

  batchExecuted(batch: ExecutedBatch): void {
    this.batches.push(batch);
  }

  dispose(): void {
    this.disposed += 1;
  }
}

/** Timings of a request that took that many microseconds in all, and nothing in any phase unless `phases` say so. */
export function timings(total: number, phases: Partial<RequestTimings> = {}): RequestTimings {
  return { queue: 0, decode: 0, preprocess: 0, infer: 0, postprocess: 0, total, batchSize: 1, ...phases };
}
