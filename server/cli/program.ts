import { Command, CommanderError } from 'commander';
import { EXIT_CODES } from '../config/exit-codes.js';
import { packageVersion } from '../config/package-version.js';
import { switchTelemetryOff } from '../config/runtime-telemetry.js';
import { UsageError } from '../config/server-options.js';
import { errorMessage } from '../core/errors.js';

type Registration = (program: Command) => unknown;

/** The commands, in the order of the help. The code of one is loaded when it is asked for: a server starts sooner. */
const COMMANDS: Record<string, () => Promise<Registration>> = {
  serve: async () => (await import('./serve.js')).registerServe,
  build: async () => (await import('./build.js')).registerBuild,
  detect: async () => (await import('./detect.js')).registerDetect,
  segment: async () => (await import('./segment.js')).registerSegment,
  embed: async () => (await import('./embed.js')).registerEmbed,
  classify: async () => (await import('./classify.js')).registerClassify,
  models: async () => {
    const [{ registerModels }, { registerRemoteModels }] = await Promise.all([
      import('./models.js'),
      import('./models-remote.js'),
    ]);
    return (program) => registerRemoteModels(registerModels(program));
  },
  doctor: async () => (await import('./doctor.js')).registerDoctor,
  bench: async () => (await import('./bench/bench.js')).registerBench,
};

/** Runs the command line and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  switchTelemetryOff();
  const program = new Command('sluice')
    .description('gRPC multi-model inference server for vision')
    .version(await packageVersion())
    .showHelpAfterError()
    .exitOverride();
  const asked = COMMANDS[argv[2] ?? ''];
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) (await load())(program);
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
