import type { ErrorCode, ServingError } from '../../server/core/errors.js';
import type { ExecutedBatch, ModelStatistics } from '../../server/core/statistics.js';

/** Statistics that remember every call. */
export class RecordingStatistics implements ModelStatistics {
  readonly totals: number[] = [];
  readonly failures: ErrorCode[] = [];
  readonly batches: ExecutedBatch[] = [];
  disposed = 0;

  /** Requests reported, however they ended. */
  get reported(): number {
    return this.totals.length + this.failures.length;
  }

  succeeded(totalUs: number): void {
    this.totals.push(totalUs);
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
