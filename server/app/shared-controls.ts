import type { Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';
import type { LogControl } from '../core/log-level.js';
import type { ModelControl } from '../core/model-control.js';
import type { ModelControlMode, ModelRepository } from '../core/model-repository.js';
import type { ServedMemory } from '../core/shared-memory.js';
import type { ServedTraces } from '../core/trace-settings.js';
import type { AskedStatistics, VersionStatistics } from '../core/version-statistics.js';
import { ownMemory } from './client-memory.js';
import { logControl } from './log-control.js';
import { ownStatistics } from './own-statistics.js';
import { ownTraces, traceSettings } from './own-traces.js';
import type { Seat } from './seat.js';

/** What clients change in this process, or are told of it: in all processes where there are others. */
export interface SharedControls {
  /** Loads and unloads models, where the mode allows it. */
  readonly control: ModelControl;
  readonly controlMode: ModelControlMode;
  readonly log: LogControl;
  readonly modelStatistics: (asked: AskedStatistics) => Promise<readonly VersionStatistics[]>;
  /** Null: clients share no memory. */
  readonly sharedMemory: ServedMemory | null;
  /** Null: nothing collects traces. */
  readonly traces: ServedTraces | null;
}

export function sharedControls(
  options: Pick<ServerOptions, 'allowClientShm' | 'modelControlMode' | 'traceEndpoint' | 'traceSampleRatio'>,
  repository: ModelRepository,
  ownControl: ModelControl,
  logger: Logger,
  seat: Seat | null,
  onDeviceLost: (why: string) => void,
): SharedControls {
  const sharedMemory = options.allowClientShm ? (seat?.sharedMemory ?? ownMemory(onDeviceLost)) : null;
  const traces = options.traceEndpoint === null ? null : (seat?.traces ?? ownTraces(traceSettings(options)));
  const modelStatistics = seat?.modelStatistics ?? (async (asked: AskedStatistics) => ownStatistics(repository, asked));
  return {
    control: seat?.control ?? ownControl,
    controlMode: options.modelControlMode,
    log: logControl(logger, seat),
    modelStatistics,
    sharedMemory,
    traces,
  };
}
