import { once } from 'node:events';
import { constants } from 'node:os';
import type { Command } from 'commander';
import { App } from '../app.js';
import { exitNow } from '../app/exit-now.js';
import { addServerOptions, resolveServerOptions, type FlagValues } from '../config/server-options.js';
import { parentChannel } from '../processes/cluster.js';
import { runMember } from '../processes/member.js';
import { runPrimary } from '../processes/primary.js';
import { serveApp } from '../processes/serve-app.js';
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
  const stopped = firstSignal();
  const parent = options.processes > 1 ? parentChannel() : null;
  if (parent !== null) exitNow(await runMember(options, logger, parent, stopped));
  if (options.processes > 1) exitNow(await runPrimary(options, logger, stopped));
  exitNow(await serveApp(App.begin(options, logger), stopped));
}

async function firstSignal(): Promise<void> {
  await Promise.race(SIGNALS.map((signal) => once(process, signal)));
  // A second signal ends at once: without listeners the system's own default acts, whatever threads still do.
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    // The first process of a container has no such default: what it does not catch does nothing.
    if (process.pid === 1) process.once(signal, () => exitNow(128 + constants.signals[signal]));
  }
}
