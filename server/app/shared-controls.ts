import type { Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';
import type { LogControl } from '../core/log-level.js';
import type { ServedMemory } from '../core/shared-memory.js';
import type { ServedTraces } from '../core/trace-settings.js';
import { ownMemory } from './client-memory.js';
import { logControl } from './log-control.js';
import { ownTraces, traceSettings } from './own-traces.js';
import type { Seat } from './seat.js';

/** What clients change in this process, or in all where there are others. */
export interface SharedControls {
  readonly log: LogControl;
  /** Null: clients share no memory. */
  readonly sharedMemory: ServedMemory | null;
  /** Null: nothing collects traces. */
  readonly traces: ServedTraces | null;
}

export function sharedControls(
  options: Pick<ServerOptions, 'allowClientShm' | 'traceEndpoint' | 'traceSampleRatio'>,
  logger: Logger,
  seat: Seat | null,
): SharedControls {
  const sharedMemory = options.allowClientShm ? (seat?.sharedMemory ?? ownMemory()) : null;
  const traces = options.traceEndpoint === null ? null : (seat?.traces ?? ownTraces(traceSettings(options)));
  return { log: logControl(logger, seat), sharedMemory, traces };
}
