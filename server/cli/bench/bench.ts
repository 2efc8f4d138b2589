import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { ServerProcess } from '../../../clients/typescript/server-process.js';
import { resolveServerOptions, UsageError } from '../../config/server-options.js';
import { connectionSettings } from '../client-credentials.js';
import { addConnectionOptions, type ConnectionFlags } from '../connection.js';
import { drawCurves } from './curves.js';
import { parseCount, parseCounts, parsePositive, parseRates, parseShape } from './flags.js';
import { KServeTarget } from './kserve-target.js';
import type { Pace } from './load.js';
import { measure, type Measurement } from './measure.js';
import { summarize, type BenchPoint } from './point.js';
import { SluiceTarget, type SluiceLoad } from './sluice-target.js';
import { formatTable, paceOf } from './table.js';
import type { Target } from './target.js';

interface BenchFlags extends ConnectionFlags {
  readonly protocol: 'sluice' | 'kserve';
  readonly concurrency: readonly number[];
  readonly rate?: readonly number[];
  readonly arrivals: 'constant' | 'poisson';
  readonly connections: number;
  readonly streams?: number;
  readonly shape?: ReadonlyMap<string, readonly number[]>;
  readonly inputData: string;
  readonly sharedMemory: 'none' | 'system';
  readonly requests?: number;
  readonly seconds: number;
  readonly windows: number;
  readonly warmUp: number;
  readonly label?: string;
  readonly json?: string;
  readonly svg?: string;
  readonly compare: readonly string[];
}

/** Registers `sluice bench`. */
export function registerBench(program: Command): void {
  const command = program
    .command('bench')
    .description(
      "measure throughput and latency of a model on this server or any other that speaks KServe's protocol v2",
    )
    .argument('[IMAGE...]', "pictures to send in turn; left out: the model repository's samples; kserve: --input-data")
    .addOption(
      new Option('--protocol <PROTOCOL>', 'what the server is asked in')
        .choices(['sluice', 'kserve'])
        .default('sluice'),
    );
  addConnectionOptions(command)
    .option('--concurrency <COUNTS>', 'requests in flight: 1,8,32 or start:end:step', parseCounts, [1, 8, 32])
    .addOption(
      new Option(
        '--rate <RATES>',
        'requests a second instead, sent when due whatever is answered: 50,100 or start:end:step',
      )
        .argParser(parseRates)
        .conflicts('concurrency'),
    )
    .addOption(
      new Option('--arrivals <KIND>', 'how they come at a rate').choices(['constant', 'poisson']).default('constant'),
    )
    .option('--connections <COUNT>', 'connections, used in turn', parseCount, 1)
    .option('--streams <COUNT>', 'streams side by side; default: 1; kserve: none, but a call a request', parseCount)
    .option('--shape <NAME:SIDES>', 'kserve: shape of an input that the model leaves open; may be repeated', parseShape)
    .option('--input-data <SOURCE>', 'kserve: random, zero, or a directory with a raw file for each input', 'random')
    .addOption(
      new Option('--shared-memory <KIND>', 'kserve: how tensors go: in messages, or in memory of this machine')
        .choices(['none', 'system'])
        .default('none'),
    )
    .addOption(
      new Option('--requests <COUNT>', 'requests of a measurement, instead of windows')
        .argParser(parseCount)
        .conflicts(['seconds', 'windows']),
    )
    .option('--seconds <SECONDS>', 'length of a window; three in a row that agree within 10 % count', parsePositive, 5)
    .option('--windows <COUNT>', 'windows after which what does not settle is taken as it is', parseCount, 10)
    .option('--warm-up <COUNT>', 'requests to send before each measurement', parseCount, 32)
    .option('--label <TEXT>', 'name of this run in files and curves; default: the model and the protocol')
    .option('--json <FILE>', 'write one JSON object a measurement')
    .option('--svg <FILE>', 'draw latency over throughput')
    .option('--compare <FILE>', 'JSON file of another run to draw as well; may be repeated', gather, [])
    .action(bench);
}

function gather(file: string, files: readonly string[]): string[] {
  return [...files, file];
}

async function bench(images: readonly string[], flags: BenchFlags): Promise<void> {
  if (flags.compare.length > 0 && flags.svg === undefined)
    throw new UsageError('--compare draws: name a file by --svg');
  if (flags.sharedMemory !== 'none' && flags.protocol !== 'kserve')
    throw new UsageError('--shared-memory needs --protocol kserve');
  const others = (await Promise.all(flags.compare.map(readPoints))).flat();
  const pictures = await readPictures(images, flags);
  const streams = flags.streams ?? (flags.protocol === 'sluice' ? 1 : 0);
  await using server = flags.server === undefined ? await startServer(flags) : null;
  const settings = flags.server === undefined ? {} : await connectionSettings(flags);
  const way = { address: flags.server ?? server!.grpcAddress, settings, connections: flags.connections, streams };
  using target = await openTarget(way, pictures, flags);
  await using _shared = target instanceof KServeTarget && flags.sharedMemory === 'system' ? await target.share() : null;
  const points: BenchPoint[] = [];
  for (const pace of pacesOf(flags)) points.push(await measurePoint(target, pace, streams, flags));
  console.log(formatTable(points));
  if (flags.json !== undefined)
    await writeFile(flags.json, points.map((point) => `${JSON.stringify(point)}\n`).join(''));
  if (flags.svg !== undefined) await writeFile(flags.svg, drawCurves([...others, ...points]));
}

function pacesOf({ concurrency, rate, arrivals }: BenchFlags): Pace[] {
  return rate?.map((each) => ({ rate: each, arrivals })) ?? concurrency.map((each) => ({ concurrency: each }));
}

type Way = Pick<SluiceLoad, 'address' | 'settings' | 'connections' | 'streams'>;

function openTarget(way: Way, pictures: Buffer[], flags: BenchFlags): Promise<Target> {
  const { protocol, model, shape, inputData } = flags;
  if (protocol === 'sluice') return SluiceTarget.open({ ...way, pictures, ...(model === undefined ? {} : { model }) });
  if (model === undefined) throw new UsageError('--protocol kserve needs --model');
  return KServeTarget.open({ ...way, model, pictures, shapes: shape ?? new Map(), data: inputData });
}

async function measurePoint(target: Target, pace: Pace, streams: number, flags: BenchFlags): Promise<BenchPoint> {
  const { protocol, connections, sharedMemory, warmUp, seconds, windows: mostWindows } = flags;
  const how: Measurement = { warmUp, seconds, mostWindows, requests: flags.requests ?? null };
  const windows = await measure(target, pace, streams, how);
  const { model, call } = target;
  const way = sharedMemory === 'none' ? protocol : `${protocol}, ${sharedMemory} shared memory`;
  const label = flags.label ?? `${model} (${way})`;
  const shape = { label, protocol, model, call, pace, connections, streams, shared_memory: sharedMemory };
  const point = summarize(shape, windows);
  console.error(`# ${paceOf(point)}: ${point.requests_per_second.toFixed(1)}/s, p50 ${point.latency_us.p50} us`);
  const failed = windows.flatMap(({ samples }) => samples).find(({ failure }) => failure !== null);
  if (failed !== undefined) {
    console.error(`${point.errors} of ${point.requests} requests failed; the first: ${failed.failure?.message}`);
    process.exitCode = 1;
  }
  return point;
}

/** A server of one's own, in a process of its own: what it takes must not be the client's. */
function startServer({ modelRepository, model, sharedMemory }: BenchFlags): Promise<ServerProcess> {
  const sharing = ['--allow-client-shm', String(sharedMemory === 'system')];
  return ServerProcess.start({
    modelRepository: directoryOf(modelRepository),
    flags: ['--model-control-mode', 'explicit', '--load-model', model ?? '*', '--log-level', 'info', ...sharing],
  });
}

/** The repository of the flag, of the environment or the default. */
function directoryOf(modelRepository: string | undefined): string {
  return resolveServerOptions(modelRepository === undefined ? {} : { modelRepository }).modelRepository;
}

async function readPictures(images: readonly string[], { protocol, modelRepository }: BenchFlags): Promise<Buffer[]> {
  const samples = images.length > 0 || protocol === 'kserve' ? images : await samplesOf(directoryOf(modelRepository));
  return Promise.all(samples.map((file) => readFile(file)));
}

/** What `sluice models pull` put into the repository. */
async function samplesOf(modelRepository: string): Promise<string[]> {
  const directory = join(modelRepository, '.samples');
  const names = await readdir(directory).catch(() => []);
  const samples = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  if (samples.length === 0) throw new UsageError(`name an IMAGE to send: there is no sample picture in ${directory}`);
  return samples.map((name) => join(directory, name));
}

/** What `--json` of an earlier run wrote. */
async function readPoints(file: string): Promise<BenchPoint[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as BenchPoint);
}
