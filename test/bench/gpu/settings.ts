/** How long the GPU benchmarks measure; together they take a few minutes once their plans are in the cache. */
export interface GpuSettings {
  /** Of an engine alone. */
  readonly engineSeconds: number;
  /** Of pictures through a process or a server. */
  readonly loadSeconds: number;
  /** Of batches of one size through one task, in milliseconds. */
  readonly taskMilliseconds: number;
  readonly repetitions: number;
}

export const FULL: GpuSettings = { engineSeconds: 2.5, loadSeconds: 6, taskMilliseconds: 400, repetitions: 3 };

/** For development: the figures are too noisy to be told to anybody. */
export const QUICK: GpuSettings = { engineSeconds: 0.8, loadSeconds: 2, taskMilliseconds: 100, repetitions: 1 };

/** Side of CenterFace's input, in pixels. */
export const SIDE = 640;

/** Rows of a batch wherever nothing else is said. */
export const BATCH = 16;
