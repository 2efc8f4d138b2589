import { pino, type Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';

/** The server's log, on standard output. */
export function createLogger({ logLevel, logFormat }: Pick<ServerOptions, 'logLevel' | 'logFormat'>): Logger {
  const options = { name: 'sluice', level: logLevel };
  if (logFormat === 'json') return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname,name' } } });
}
