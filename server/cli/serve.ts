import { once } from 'node:events';
import type { Command } from 'commander';
import { App, exitNow } from '../app.js';
import { EXIT_CODES } from '../config/exit-codes.js';
import { addServerOptions, resolveServerOptions, type FlagValues } from '../config/server-options.js';
import { createLogger } from './logger.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Registers `sluice serve`. */
export function registerServe(program: Command): void {
  const command = program.command('serve').description('serve a model repository until SIGTERM or SIGINT');
  addServerOptions(command).action(serve);
}

async function serve(flags: FlagValues): Promise<void> {
  const options = resolveServerOptions(flags);
  const logger = createLogger(options);
  const stopped = Promise.race(SIGNALS.map((signal) => once(process, signal).then(() => signal)));
  const { app, started } = App.begin(options, logger);
  const startedFirst = await Promise.race([started.then(() => true), stopped.then(() => false)]);
  if (startedFirst) await stopped;
  // A second signal ends at once: without listeners the system's own default acts, whatever threads still do.
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  const drained = await app.drain();
  // What has not started may load for a long time yet; there is nothing to wait for.
  if (drained && startedFirst) await app[Symbol.asyncDispose]();
  logger.info({ drained }, 'stopped');
  exitNow(drained ? EXIT_CODES.OK.code : EXIT_CODES.CUT_OFF.code);
}
