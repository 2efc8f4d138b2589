import type { GpuReport } from './gpu-report.js';
import type { GpuSettings } from './settings.js';

/** What the benchmarks share. */
export interface GpuBench {
  readonly report: GpuReport;
  readonly settings: GpuSettings;
  /** JPEG files of 1280x720, in a directory of the run's own. */
  readonly pictures: readonly string[];
  /** Directory of pictures to calibrate INT8 with; null: INT8 is left out. */
  readonly calibration: string | null;
  /** What later figures are told in proportion to; undefined where it could not be measured. */
  readonly known: {
    /** Pictures a second of the engine alone, fp16, in batches of BATCH: the best of one and two contexts. */
    bareRate?: number;
    /** Milliseconds of the engine alone for a batch of one. */
    bareMillisecondsOfOne?: number;
    /** Pictures a second in one process, from JPEG bytes to boxes. */
    inProcessRate?: number;
  };
}
