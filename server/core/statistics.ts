import { systemClock } from './clock.js';
import type { EngineStatistics } from './engine-statistics.js';
import type { ServingError } from './errors.js';
import { InferenceCounts, type ExecutedBatch } from './inference-counts.js';
import type { RequestTimings } from './inference.js';

/**
 * Where one loaded version reports what becomes of its requests. Called for every request, so an implementation takes
 * well below a microsecond and never throws. Every request is reported once, by `succeeded`, `cacheHit` or `failed`.
 */
export interface ModelStatistics {
  /** All that was reported of the version, added up. */
  readonly counts: InferenceCounts;
  /** A request of that many rows was answered with results. */
  succeeded(timings: RequestTimings, rows: number): void;
  /** A request was answered with the results of an equal one, which took `hitUs` microseconds to find or to wait for. */
  cacheHit(timings: RequestTimings, hitUs: number): void;
  /** An answer was computed that had not been kept; looking for it and keeping it took `missUs` microseconds. */
  cacheMissed(missUs: number): void;
  /** A request was refused, dropped or answered with an error, `totalUs` microseconds after its arrival. */
  failed(error: ServingError, totalUs: number): void;
  batchExecuted(batch: ExecutedBatch): void;
  /** The version is unloaded: what was reported of it may be forgotten. The last call. */
  dispose(): void;
}

/** Where a stream of frames reports its end, once. */
export interface StreamStatistics {
  /** Null: the stream ended as it should. */
  ended(error: ServingError | null): void;
}

/** The calls of the protocol that open streams. */
export type StreamingCall = 'Detect' | 'Embed' | 'Classify' | 'Segment' | 'ModelStreamInfer';

/** Where the server reports what happens. Core knows this much of metrics, and no more. */
export interface StatisticsSink {
  /**
   * For a version that begins to load. While a version is reloaded, the old and the new one report under the same name
   * and number; what both reported stays until both are disposed.
   */
  forModel(model: string, version: number): ModelStatistics;
  /** A version has loaded, in that many seconds; after `forModel`. */
  modelLoaded(model: string, version: number, seconds: number): void;
  streamOpened(call: StreamingCall): StreamStatistics;
}

/** Where nobody looks: what is reported is forgotten. */
export const NO_STATISTICS: { readonly model: ModelStatistics; readonly engines: EngineStatistics } = {
  model: {
    counts: new InferenceCounts(systemClock),
    succeeded: () => {},
    cacheHit: () => {},
    cacheMissed: () => {},
    failed: () => {},
    batchExecuted: () => {},
    dispose: () => {},
  },
  engines: { planLookedUp: () => {}, buildStarted: () => ({ progress: () => {}, ended: () => {} }) },
};
