import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { resolveServerOptions, UsageError } from '../config/server-options.js';
import { GrpcStatus } from '../core/errors.js';
import { connectionSettings } from './client-credentials.js';
import { addConnectionOptions, type ConnectionFlags } from './connection.js';
import { drive, type Call, type Load } from './bench-load.js';
import { summarize, type BenchPoint } from './bench-point.js';
import { formatTable } from './bench-table.js';

interface BenchFlags extends ConnectionFlags {
  readonly window: readonly number[];
  readonly streams: number;
  readonly frames?: number;
  readonly seconds?: number;
  readonly warmUp: number;
  readonly table?: boolean;
}

const DEFAULT_SECONDS = 5;

/** Registers `sluice bench`. */
export function registerBench(program: Command): void {
  const command = program
    .command('bench')
    .description('measure throughput and latency of a model; prints one JSON object a window')
    .argument('[IMAGE...]', "pictures to send in turn; left out: the model repository's samples");
  addConnectionOptions(command)
    .option('--window <COUNTS>', 'frames of a stream in flight; several: one measurement each', parseCounts, [1, 8, 32])
    .option('--streams <COUNT>', 'streams that send side by side', parseCount, 1)
    .option('--frames <COUNT>', 'frames of a measurement, of all streams together', parseCount)
    .addOption(
      new Option('--seconds <SECONDS>', `how long a measurement sends; default: ${DEFAULT_SECONDS}, without --frames`)
        .argParser(parseSeconds)
        .conflicts('frames'),
    )
    .option('--warm-up <COUNT>', 'frames to send before each measurement', parseCount, 32)
    .option('--table', 'print a table on stderr as well; a terminal gets it anyway')
    .action(bench);
}

function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

function parseCounts(text: string): number[] {
  return text.split(',').map((part) => parseCount(part.trim()));
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

async function bench(images: readonly string[], flags: BenchFlags): Promise<void> {
  const pictures = await readPictures(images, flags);
  await using server = flags.server === undefined ? await startServer(flags) : null;
  const settings = flags.server === undefined ? {} : await connectionSettings(flags);
  using client = await SluiceClient.connect(flags.server ?? server!.grpcAddress, settings);
  const model = flags.model === undefined ? {} : { model: flags.model };
  const call = await callOf(client, model);
  const points: BenchPoint[] = [];
  for (const window of flags.window) {
    const load: Load = {
      call,
      ...model,
      pictures,
      window,
      streams: flags.streams,
      frames: flags.frames ?? Infinity,
      seconds: flags.seconds ?? (flags.frames === undefined ? DEFAULT_SECONDS : Infinity),
    };
    points.push(await measure(client, load, flags.warmUp));
  }
  if (flags.table === true || process.stdout.isTTY) console.error(formatTable(points));
}

async function measure(client: SluiceClient, load: Load, warmUp: number): Promise<BenchPoint> {
  await drive(client, { ...load, frames: warmUp, seconds: Infinity });
  const samples = await drive(client, load);
  const point = summarize(load, samples);
  console.log(JSON.stringify(point));
  const failed = samples.find(({ frame }) => frame.error !== undefined);
  if (failed !== undefined) {
    console.error(`${point.errors} of ${point.frames} frames failed; the first: ${failed.frame.error?.message}`);
    process.exitCode = 1;
  }
  return point;
}

/** A server of one's own, in a process of its own: what it takes must not be the client's. */
function startServer({ modelRepository, model }: BenchFlags): Promise<ServerProcess> {
  return ServerProcess.start({
    modelRepository: directoryOf(modelRepository),
    flags: ['--model-control-mode', 'explicit', '--load-model', model ?? '*', '--log-level', 'info'],
  });
}

/** The repository of the flag, of the environment or the default. */
function directoryOf(modelRepository: string | undefined): string {
  return resolveServerOptions(modelRepository === undefined ? {} : { modelRepository }).modelRepository;
}

/** Which call the model answers, told by streams without a frame. Throws what the stream throws. */
async function callOf(client: SluiceClient, model: { readonly model?: string }): Promise<Call> {
  try {
    for await (const _ of client.detect([], model));
    return 'detect';
  } catch (error) {
    if ((error as { code?: unknown }).code !== GrpcStatus.UNIMPLEMENTED) throw error;
    return 'embed';
  }
}

async function readPictures(images: readonly string[], { modelRepository }: BenchFlags): Promise<Buffer[]> {
  const files = images.length > 0 ? images : await samplesOf(directoryOf(modelRepository));
  return Promise.all(files.map((file) => readFile(file)));
}

/** What `sluice models pull` put into the repository. */
async function samplesOf(modelRepository: string): Promise<string[]> {
  const directory = join(modelRepository, '.samples');
  const names = await readdir(directory).catch(() => []);
  const samples = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  if (samples.length === 0) throw new UsageError(`name an IMAGE to send: there is no sample picture in ${directory}`);
  return samples.map((name) => join(directory, name));
}
