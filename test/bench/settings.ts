/** How long and how often the benchmarks measure. */
export interface Settings {
  /** Measurements of each figure; odd, so that the median is one of them. */
  readonly repetitions: number;
  /** Of one throughput measurement. */
  readonly seconds: number;
  /** Of one latency measurement. */
  readonly latencyFrames: number;
  /** Of the memory measurement. */
  readonly memoryFrames: number;
  readonly starts: number;
  /** Of one operator measurement, at least. */
  readonly operatorMilliseconds: number;
}

export const FULL: Settings = {
  repetitions: 5,
  seconds: 5,
  latencyFrames: 60,
  memoryFrames: 20_000,
  starts: 5,
  operatorMilliseconds: 400,
};

/** For development: the figures are too noisy to be told to anybody. */
export const QUICK: Settings = {
  repetitions: 3,
  seconds: 2,
  latencyFrames: 20,
  memoryFrames: 2_000,
  starts: 3,
  operatorMilliseconds: 60,
};

/** Instances of the served model and workers of the plain loop, each with one thread: one for each of two cores. */
export const INSTANCES = 2;

/** Cores that others may use before what is measured by the clock says more of them than of the server. */
export const QUIET_CORES = 0.1;
