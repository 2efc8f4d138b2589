import { Command, CommanderError } from 'commander';
import { EXIT_CODES } from '../config/exit-codes.js';
import { UsageError } from '../config/server-options.js';
import { errorMessage } from '../core/errors.js';
import { registerBench } from './bench.js';
import { registerDetect } from './detect.js';
import { registerDoctor } from './doctor.js';
import { registerEmbed } from './embed.js';
import { registerModels } from './models.js';
import { registerRemoteModels } from './models-remote.js';
import { registerServe } from './serve.js';

/** Runs the command line and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = new Command('sluice')
    .description('gRPC multi-model inference server for vision')
    .showHelpAfterError()
    .exitOverride();
  registerServe(program);
  registerDetect(program);
  registerEmbed(program);
  registerBench(program);
  registerDoctor(program);
  registerRemoteModels(registerModels(program));
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? EXIT_CODES.OK.code);
  } catch (error) {
    // commander has printed what it had to say: help, version or the mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.OK.code : EXIT_CODES.USAGE.code;
    console.error(`sluice: ${errorMessage(error)}`);
    return error instanceof UsageError ? EXIT_CODES.USAGE.code : EXIT_CODES.FAILED.code;
  }
}
