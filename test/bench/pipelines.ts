import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { parse } from 'yaml';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient, type Region } from '../../clients/typescript/sluice-client.js';
import { boxRegion } from '../support/messages.js';
import { TestRepository } from '../support/test-repository.js';
import { root } from './bench-repository.js';
import { median, ratios } from './figures.js';
import type { Report } from './report.js';
import { INSTANCES, type Settings } from './settings.js';
import { machineCpu, ownCpu, serverUsage } from './usage.js';

/** Windows of the stream: with 1, a frame is sent when the last one has been answered. */
const WINDOWS = [1, 2, 4, 8] as const;
const LARGEST = 8;

/** Faces of a picture, and so regions of the second stage. */
const FACES = 16;

/** Share of what its stages reach by themselves that a pipeline should keep. */
const AIM = { is: 'at least', value: 0.85 } as const;

/** Cores that others may use before frames a second say more of them than of the server. */
const QUIET_CORES = 0.1;

/** What a run came to. */
interface Run {
  readonly framesPerSecond: number;
  /** CPU time of the server a frame, in milliseconds. */
  readonly serverCpu: number;
  readonly foreignCores: number;
}

/** Detect -> embed of 16 faces a frame, against the detector and the embedder asked one after the other. */
export async function pipelines(report: Report, settings: Settings): Promise<void> {
  const picture = await boardOfFaces();
  const repository = await TestRepository.create();
  await fill(repository);
  await using server = await ServerProcess.start({ modelRepository: repository.directory });
  using client = await SluiceClient.connect(server.grpcAddress);
  const regions = await facesOf(client, picture);
  const asks = {
    detect: (window: number) => client.detect(endless({ picture }), { model: 'centerface', window }),
    embed: (window: number) => client.embed(endless({ picture, regions }), { model: 'reid', window }),
    pipeline: (window: number) => client.detect(endless({ picture }), { model: 'people', window }),
  };
  const measure = (of: keyof typeof asks, window: number): Promise<Run> =>
    run(asks[of](window), window, settings.seconds, server.httpAddress);
  const parts: Record<'detect' | 'embed', Run[]> = { detect: [], embed: [] };
  const whole = WINDOWS.map((): Run[] => []);
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    report.progress(`pipelines: ${repetition + 1} of ${settings.repetitions}`);
    // Alternating, so that what else the machine does meets all alike.
    for (const [place, window] of WINDOWS.entries()) whole[place]!.push(await measure('pipeline', window));
    for (const part of ['detect', 'embed'] as const) parts[part].push(await measure(part, LARGEST));
  }
  await repository[Symbol.asyncDispose]();
  tell(report, parts, whole);
}

function tell(report: Report, parts: Record<'detect' | 'embed', Run[]>, whole: readonly Run[][]): void {
  const add = (figure: string, unit: string, at: object, runs: readonly number[], aim?: typeof AIM): void =>
    report.add({
      bench: 'pipelines',
      figure,
      at: { faces: FACES, ...at },
      unit,
      runs,
      ...(aim === undefined ? {} : { aim }),
    });
  const speeds = (runs: readonly Run[]): number[] => runs.map(({ framesPerSecond }) => framesPerSecond);
  const costs = (runs: readonly Run[]): number[] => runs.map(({ serverCpu }) => serverCpu);
  for (const [name, runs] of Object.entries(parts)) {
    add(`${name} alone`, 'frames/s', { window: LARGEST }, speeds(runs));
    add(`${name} alone CPU`, 'ms/frame', { window: LARGEST }, costs(runs));
  }
  const [detect, embed] = [speeds(parts.detect), speeds(parts.embed)];
  // A frame needs both, one after the other on the same cores.
  const together = detect.map((speed, index) => 1 / (1 / speed + 1 / embed[index]!));
  const cost = costs(parts.detect).map((ms, index) => ms + costs(parts.embed)[index]!);
  const first = speeds(whole[0]!);
  WINDOWS.forEach((window, place) => {
    const runs = whole[place]!;
    const aim = window === LARGEST ? AIM : undefined;
    add('pipeline', 'frames/s', { window }, speeds(runs));
    add('pipeline CPU', 'ms/frame', { window }, costs(runs));
    add('pipeline / its parts', 'ratio', { window }, ratios(speeds(runs), together), aim);
    add('CPU of the parts / pipeline CPU', 'ratio', { window }, ratios(cost, costs(runs)), aim);
    if (window > 1) add('gain over one frame in flight', 'ratio', { window }, ratios(speeds(runs), first));
  });
  const foreign = median([...parts.detect, ...parts.embed, ...whole.flat()].map(({ foreignCores }) => foreignCores));
  if (foreign > QUIET_CORES) {
    report.doubt(`pipelines: others used ${foreign.toFixed(2)} cores meanwhile; believe the CPU time a frame`);
  }
}

/** Reads answers for some seconds, once the window is full; throws when a frame fails. */
async function run(
  answers: AsyncIterable<{ readonly frame: { readonly error: unknown } | undefined }>,
  window: number,
  seconds: number,
  httpAddress: string,
): Promise<Run> {
  let [start, frames] = [0, -window - 1];
  let [server, own, machine] = [0, 0, 0];
  for await (const { frame } of answers) {
    if (frame?.error !== undefined) throw new Error(`a frame failed: ${JSON.stringify(frame.error)}`);
    frames += 1;
    if (frames === 0) {
      server = (await serverUsage(httpAddress)).cpu;
      [start, own, machine] = [performance.now(), ownCpu(), machineCpu()];
    } else if (frames > 0 && performance.now() - start >= seconds * 1000) break;
  }
  const elapsed = (performance.now() - start) / 1000;
  const [ownSpent, machineSpent] = [ownCpu() - own, machineCpu() - machine];
  const spent = (await serverUsage(httpAddress)).cpu - server;
  return {
    framesPerSecond: frames / elapsed,
    serverCpu: (spent / frames) * 1000,
    foreignCores: Math.max(0, (machineSpent - spent - ownSpent) / elapsed),
  };
}

function* endless<F>(frame: F): Generator<F> {
  for (;;) yield frame;
}

async function facesOf(client: SluiceClient, picture: Buffer): Promise<Region[]> {
  for await (const { detections } of client.detect([{ picture }], { model: 'centerface' })) {
    if (detections.length < FACES) throw new Error(`${detections.length} of ${FACES} faces were found`);
    return detections.slice(0, FACES).map(({ box }) => boxRegion(box!.left, box!.top, box!.right, box!.bottom));
  }
  throw new Error('the picture was not answered');
}

/** The face of the sample photograph, 16 times, as a JPEG of 1280x720. */
async function boardOfFaces(): Promise<Buffer> {
  const face = { left: 130, top: 20, width: 200, height: 200 };
  const tile = await sharp(join(root, 'model-repo/.samples/astronaut.png')).extract(face).resize(170).toBuffer();
  const places = Array.from({ length: FACES }, (_, index) => ({
    input: tile,
    left: 40 + 310 * (index % 4),
    top: 5 + 178 * Math.floor(index / 4),
  }));
  const board = sharp({ create: { width: 1280, height: 720, channels: 3, background: '#405060' } });
  return board.composite(places).jpeg({ quality: 90 }).toBuffer();
}

async function fill(repository: TestRepository): Promise<void> {
  const group = { instance_group: { count: INSTANCES, intra_op_thread_count: 1 } };
  for (const name of ['centerface', 'reid']) {
    const from = join(root, 'model-repo', name);
    const config = parse(await readFile(join(from, 'config.yaml'), 'utf8')) as object;
    await mkdir(join(repository.directory, name, '1'), { recursive: true });
    await symlink(join(from, '1/model.onnx'), join(repository.directory, name, '1/model.onnx'));
    await repository.configure(name, { ...config, ...group });
  }
  await copyFile(join(root, 'model-repo/centerface/labels.txt'), join(repository.directory, 'centerface/labels.txt'));
  const stages = [
    { name: 'faces', model: 'centerface' },
    { name: 'vectors', model: 'reid', input: 'faces', max_regions: FACES },
  ];
  await repository.configure('people', { task: 'pipeline', pipeline: { stages } });
}
