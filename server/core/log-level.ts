/** Severities of the log, the least first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** The least severity that the server logs. */
export interface LogControl {
  get(): LogLevel;
  /** In all processes of the server. */
  set(level: LogLevel): Promise<void>;
}
