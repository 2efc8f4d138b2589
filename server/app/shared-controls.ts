import type { Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';
import type { LogControl } from '../core/log-level.js';
import type { ServedMemory } from '../core/shared-memory.js';
import { ownMemory } from './client-memory.js';
import { logControl } from './log-control.js';
import type { Seat } from './seat.js';

/** What clients change in this process, or in all where there are others. */
export interface SharedControls {
  readonly log: LogControl;
  /** Null: clients share no memory. */
  readonly sharedMemory: ServedMemory | null;
}

export function sharedControls(
  { allowClientShm }: Pick<ServerOptions, 'allowClientShm'>,
  logger: Logger,
  seat: Seat | null,
  onDeviceLost: (why: string) => void,
): SharedControls {
  const sharedMemory = allowClientShm ? (seat?.sharedMemory ?? ownMemory(onDeviceLost)) : null;
  return { log: logControl(logger, seat), sharedMemory };
}
