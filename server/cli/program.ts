import { Command, CommanderError } from 'commander';
import { UsageError } from '../config/server-options.js';
import { errorMessage } from '../core/errors.js';
import { registerDetect } from './detect.js';
import { registerEmbed } from './embed.js';
import { registerServe } from './serve.js';

/** Exit codes of every command. */
const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs the command line and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = new Command('sluice')
    .description('gRPC multi-model inference server for vision')
    .showHelpAfterError()
    .exitOverride();
  registerServe(program);
  registerDetect(program);
  registerEmbed(program);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? EXIT_OK);
  } catch (error) {
    // commander has printed what it had to say: help, version or the mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    console.error(`sluice: ${errorMessage(error)}`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}
