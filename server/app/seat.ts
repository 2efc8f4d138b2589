import type { LogLevel } from '../core/log-level.js';
import type { ServedMemory } from '../core/shared-memory.js';
import type { ModelControl } from '../core/model-control.js';
import type { ModelOverrides } from '../core/model-override.js';
import type { ServedTraces } from '../core/trace-settings.js';
import type { AskedStatistics, VersionStatistics } from '../core/version-statistics.js';

/** What an App is told that runs in one of several processes of a server. */
export interface Seat {
  /** Number of the process, from 1. */
  readonly number: number;
  /** Told once the process takes connections: `host:port`. */
  readonly listening: (address: string) => void;
  /** Loads and unloads models in all processes. */
  readonly control: ModelControl;
  /** Of the models that it loads as it starts. */
  readonly overrides: ModelOverrides;
  /** Sets the least severity that is logged, in all processes. */
  readonly setLogLevel: (level: LogLevel) => Promise<void>;
  /** What the models of all processes have done. */
  readonly modelStatistics: (asked: AskedStatistics) => Promise<readonly VersionStatistics[]>;
  /** How much is traced, the same in all processes. */
  readonly traces: ServedTraces;
  /** Memory that clients share with all processes. */
  readonly sharedMemory: ServedMemory;
}
