import { pino, type Logger } from 'pino';
import { PinoPretty as pretty } from 'pino-pretty';
import type { ServerOptions } from '../config/server-options.js';

/** The server's log, on standard output. */
export function createLogger({ logLevel, logFormat }: Pick<ServerOptions, 'logLevel' | 'logFormat'>): Logger {
  const options = { name: 'sluice', level: logLevel };
  // Written at once: a server that ends waits for nothing, its log included.
  if (logFormat === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ ignore: 'pid,hostname,name', sync: true }));
}
