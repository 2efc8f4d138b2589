import type { ModelState } from '../core/model-state.js';
import type { RecentError } from '../core/recent-errors.js';
import type { TaskInput, TaskKind, TaskName } from '../core/tasks.js';
import type { Readiness } from './readiness.js';

/** What a server, or a process of one, tells of its models and errors. */
export interface ServerReport {
  readonly models: readonly ModelReport[];
  readonly errors: readonly RecentError[];
}

export interface ModelReport {
  readonly name: string;
  /** Null: its configuration cannot be read, or it is being unloaded. */
  readonly task: TaskName | null;
  readonly versions: readonly VersionReport[];
}

export interface VersionReport {
  /** 0: the directory as a whole cannot be used. */
  readonly version: number;
  readonly state: ModelState;
  /** Why it is UNAVAILABLE, or why the last reload failed; else null. */
  readonly reason: string | null;
  /** Where each instance runs, such as `CPU` or `GPU 0`; empty for a pipeline, and where it is not READY. */
  readonly devices: readonly string[];
}

/** Counts of one version since it was loaded, over all processes. They only grow: rates are for the reader to take. */
export interface VersionFigures {
  readonly requests: number;
  readonly failures: number;
  readonly dropped: number;
  readonly instances: { readonly idle: number; readonly busy: number };
  readonly queue: { readonly requests: number; readonly bytes: number };
  /** Requests that succeeded within each of `duration_bounds`, and within any time. */
  readonly durations: readonly number[];
}

/** What a driver tells of a GPU; what it does not tell is left out. */
export interface GpuFigures {
  readonly gpu: string;
  readonly name: string;
  readonly utilization?: number;
  readonly memory_used_bytes?: number;
  readonly memory_total_bytes?: number;
  readonly power_watts?: number;
  readonly temperature_celsius?: number;
}

export interface ModelStatus extends Omit<ModelReport, 'versions'> {
  /** The call that answers, and what it is about; null where the task is not known. */
  readonly call: TaskKind | null;
  readonly input: TaskInput | null;
  readonly versions: readonly (VersionReport & VersionFigures)[];
}

/** The answer of `/v1/status`, word for word. */
export interface ServerStatus {
  readonly name: 'sluice';
  readonly version: string;
  readonly uptime_seconds: number;
  /** As `/readyz`. */
  readonly readiness: Readiness;
  /** Processes that serve, of --processes. */
  readonly processes: number;
  readonly connections: number;
  /** Seconds, ascending. */
  readonly duration_bounds: readonly number[];
  readonly models: readonly ModelStatus[];
  /** Newest first. */
  readonly errors: readonly RecentError[];
  readonly gpus: readonly GpuFigures[];
}
