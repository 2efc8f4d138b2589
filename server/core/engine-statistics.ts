/** How a look for a plan in the cache ended; stale: one was there that is not to be loaded. */
export type PlanLookup = 'hit' | 'miss' | 'stale';

/** How a build ended; abandoned: the server stopped, or the version is not wanted any more. */
export type BuildOutcome = 'built' | 'failed' | 'abandoned';

/** Told of plans for GPUs. */
export interface EngineStatistics {
  planLookedUp(result: PlanLookup): void;
  /** `device` is the index of the GPU that builds. */
  buildStarted(model: string, version: number, device: number): BuildStatistics;
}

/** Told of one build. */
export interface BuildStatistics {
  /** `fraction`: 0 to 1, never less than before. */
  progress(fraction: number): void;
  ended(outcome: BuildOutcome, seconds: number): void;
}
