import type { Logger } from 'pino';
import type { LogControl, LogLevel } from '../core/log-level.js';
import type { Seat } from './seat.js';

/** The least severity that is logged: of this process, or of all where there are others. */
export function logControl(logger: Logger, seat: Seat | null): LogControl {
  return {
    get: () => logger.level as LogLevel,
    set: async (level) => {
      if (seat === null) logger.level = level;
      else await seat.setLogLevel(level);
    },
  };
}
