/** The metrics of plans for GPUs. */
export const ENGINE_METRICS = {
  planLookups: {
    name: 'sluice_engine_cache_lookups_total',
    type: 'counter',
    labels: ['result'],
    help: 'Looks for a plan in the cache: hit, miss, or stale for one that is there and not to be loaded.',
  },
  builds: {
    name: 'sluice_engine_builds_total',
    type: 'counter',
    labels: ['result'],
    help: 'Builds of plans that have ended: built, failed, or abandoned because the version was not wanted any more.',
  },
  buildSeconds: {
    name: 'sluice_engine_build_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time that each plan took to build, of those that were built.',
  },
  buildProgress: {
    name: 'sluice_engine_build_progress_ratio',
    type: 'gauge',
    labels: ['model', 'version', 'device'],
    help: 'How far the build of a plan is, 0 to 1; there while it runs. device: index of the GPU that builds.',
  },
} as const;

/** Seconds. From what a tiny model takes to hours. */
export const BUILD_BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];
