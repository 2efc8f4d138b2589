import type { EngineStatistics } from './engine-statistics.js';
import type { ServingError } from './errors.js';

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

/**
 * Where one loaded version reports what becomes of its requests. Called for every request, so an implementation takes
 * about a microsecond and never throws. Every request is reported once, by `succeeded` or `failed`.
 */
export interface ModelStatistics {
  /** A request was answered with results, `totalUs` microseconds after its arrival. */
  succeeded(totalUs: number): void;
  /** A request was refused, dropped or answered with an error. */
  failed(error: ServingError): void;
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
  streamOpened(call: StreamingCall): StreamStatistics;
}

/** Where nobody looks: what is reported is forgotten. */
export const NO_STATISTICS: { readonly model: ModelStatistics; readonly engines: EngineStatistics } = {
  model: { succeeded: () => {}, failed: () => {}, batchExecuted: () => {}, dispose: () => {} },
  engines: { planLookedUp: () => {}, buildStarted: () => ({ progress: () => {}, ended: () => {} }) },
};
