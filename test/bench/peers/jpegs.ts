import { ServerProcess } from '../../../clients/typescript/server-process.js';
import { drive, forSeconds, upTo, type Sample } from '../../../server/cli/bench/load.js';
import { KServeTarget } from '../../../server/cli/bench/kserve-target.js';
import { median } from '../../../server/cli/bench/point.js';
import { SluiceTarget } from '../../../server/cli/bench/sluice-target.js';
import type { Target } from '../../../server/cli/bench/target.js';
import { benchPictures } from '../bench-pictures.js';
import { centerfaceRepository } from '../bench-repository.js';
import { median as middle, rate, ratios } from '../figures.js';
import { treeSeconds } from '../process-tree.js';
import type { Aim, Report } from '../report.js';
import type { Settings } from '../settings.js';
import { checkFaces } from './same-faces.js';
import type { Triton } from './triton.js';
import { tritonFaces } from './triton-repository.js';

/** Sides of the network's input. */
export const SIDES = [320, 640] as const;

/** Frames in flight. */
const LOADS = [1, 8, 32] as const;

const AIM: Aim = { is: 'at least', value: 1.5 };
const WARM_UP_FRAMES = 64;

interface JpegRun {
  readonly framesPerSecond: number;
  readonly p50: number;
  /** Of the server a frame, in milliseconds. */
  readonly serverCpu: number;
}

/**
 * JPEG files of 1280x720 to faces: Sluice's Detect, and Triton with OpenCV and NumPy in its Python back end, with ONNX
 * Runtime in the same model or in one of its own between two in Python; the same network, as many instances of one
 * thread, and one client of the same make.
 */
export async function jpegs(report: Report, settings: Settings, triton: Triton): Promise<void> {
  const pictures = await benchPictures(1280, 720);
  for (const side of SIDES) await ofSide(report, settings, triton, side, pictures);
}

async function ofSide(
  report: Report,
  settings: Settings,
  triton: Triton,
  side: number,
  pictures: readonly Buffer[],
): Promise<void> {
  await using repository = await centerfaceRepository(side);
  await using sluice = await ServerProcess.start({ modelRepository: repository.directory });
  const { whole, ensemble } = tritonFaces(side);
  for (const model of [whole, ensemble]) await checkFaces(pictures, sluice.grpcAddress, triton.grpcAddress, model);
  const common = { pictures, connections: 1 };
  using detect = await SluiceTarget.open({ ...common, model: 'centerface', address: sluice.grpcAddress, streams: 1 });
  const infer = (model: string): Promise<KServeTarget> =>
    KServeTarget.open({
      ...common,
      model,
      address: triton.grpcAddress,
      streams: 0,
      shapes: new Map<string, readonly number[]>(),
      data: 'random',
    });
  using inferWhole = await infer(whole);
  using inferEnsemble = await infer(ensemble);
  const servers: readonly Served[] = [
    { name: 'sluice', target: detect, pid: sluice.pid },
    { name: 'triton, one model in Python', target: inferWhole, pid: triton.pid },
    { name: 'triton, ensemble', target: inferEnsemble, pid: triton.pid },
  ];
  const runs = LOADS.map(() => servers.map((): JpegRun[] => []));
  for (const { target } of servers) await send(target, 32, upTo(WARM_UP_FRAMES));
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    report.progress(`jpegs at ${side}: ${repetition + 1} of ${settings.repetitions}`);
    for (const [index, load] of LOADS.entries()) {
      for (const [place, { target, pid }] of servers.entries()) {
        runs[index]![place]!.push(await measure(target, pid, load, settings.seconds));
      }
    }
  }
  reportRuns(
    report,
    side,
    runs,
    servers.map(({ name }) => name),
  );
}

/** A server as it is asked. */
interface Served {
  readonly name: string;
  readonly target: Target;
  readonly pid: number;
}

async function measure(target: Target, pid: number, load: number, seconds: number): Promise<JpegRun> {
  const cpu = await treeSeconds(pid);
  const samples = await send(target, load, forSeconds(seconds));
  const spent = (await treeSeconds(pid)) - cpu;
  return {
    framesPerSecond: rate(samples.map(({ answeredAt }) => answeredAt)),
    p50: median(samples.map(({ sentAt, answeredAt }) => answeredAt - sentAt)),
    serverCpu: (spent / samples.length) * 1000,
  };
}

async function send(target: Target, load: number, more: () => boolean): Promise<Sample[]> {
  const senders = target.senders(load);
  const samples: Sample[] = [];
  await drive(senders, { concurrency: load }, more, (sample) => samples.push(sample));
  await Promise.all(senders.map((sender) => sender.close()));
  const failed = samples.find(({ failure }) => failure !== null);
  if (failed !== undefined) throw new Error(`a frame failed: ${failed.failure?.message}`);
  return samples;
}

function reportRuns(
  report: Report,
  side: number,
  runs: readonly (readonly JpegRun[][])[],
  names: readonly string[],
): void {
  LOADS.forEach((load, index) => {
    const of = (place: number, key: keyof JpegRun): number[] => runs[index]![place]!.map((run) => run[key]);
    names.forEach((server, place) => {
      const at = { side, server, window: load };
      report.add({ bench: 'jpegs', figure: 'throughput', at, unit: 'frames/s', runs: of(place, 'framesPerSecond') });
      report.add({ bench: 'jpegs', figure: 'latency p50', at, unit: 'ms', runs: of(place, 'p50') });
      report.add({ bench: 'jpegs', figure: 'server CPU', at, unit: 'ms/frame', runs: of(place, 'serverCpu') });
      if (place === 0) return;
      const shares = ratios(of(0, 'framesPerSecond'), of(place, 'framesPerSecond'));
      const aim = load === 1 ? {} : { aim: AIM };
      report.add({
        bench: 'jpegs',
        figure: `sluice / ${server}`,
        at: { side, window: load },
        unit: 'ratio',
        runs: shares,
        ...aim,
      });
    });
  });
  const rows = names.map((name, place) => [
    name,
    ...LOADS.map((_, index) => {
      const of = (key: keyof JpegRun): number => middle(runs[index]![place]!.map((run) => run[key]));
      return `${of('framesPerSecond').toFixed(1)}/s, ${of('p50').toFixed(1)} ms, ${of('serverCpu').toFixed(1)} ms CPU`;
    }),
  ]);
  const header = [`input ${side}x${side}`, ...LOADS.map((load) => `${load} in flight`)];
  report.table('JPEG files to faces: frames a second, latency p50, CPU of the server a frame', header, rows);
}
