import { benchPictures } from './bench-pictures.js';
import { centerfaceRepository } from './bench-repository.js';
import { median, ratios } from './figures.js';
import { PlainLoop, type PlainRun } from './plain-loop.js';
import type { Report } from './report.js';
import { Served, type ServedRun } from './served.js';
import { INSTANCES, QUIET_CORES, type Settings } from './settings.js';

const SIDES = [320, 640] as const;
const WINDOWS = [1, 8, 32] as const;
/**
 * The plain loop, as it might be written: loops side by side, and frames a batch. In an order that runs the likely best
 * next to the largest window, and the lone one next to a window of 1.
 */
const PLAINS = [
  { loops: INSTANCES, batch: 1 },
  { loops: INSTANCES, batch: 4 },
  { loops: 1, batch: 1 },
  { loops: INSTANCES, batch: 8 },
] as const;
const ALONE = PLAINS.findIndex(({ loops }) => loops === 1);

/** Share of the plain loop's throughput that serving should keep at the largest window. */
const AIM = { is: 'at least', value: 0.9 } as const;

/** Frames a second through the server against a plain loop on the same frames with the same threads. */
export async function throughput(report: Report, settings: Settings): Promise<void> {
  const pictures = await benchPictures(1280, 720);
  for (const side of SIDES) {
    await using served = await Served.start(await centerfaceRepository(side), pictures);
    await using plain = await PlainLoop.create(INSTANCES, side, pictures);
    const servedRuns = WINDOWS.map((): ServedRun[] => []);
    const plainRuns = PLAINS.map((): PlainRun[] => []);
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      report.progress(`throughput at ${side}: ${repetition + 1} of ${settings.repetitions}`);
      // Alternating, so that what else the machine does meets both alike.
      for (let turn = 0; turn < Math.max(WINDOWS.length, PLAINS.length); turn++) {
        const [window, loop] = [WINDOWS[WINDOWS.length - 1 - turn], PLAINS[turn]];
        if (loop !== undefined) {
          plainRuns[turn]!.push(await plain.run(loop.loops, loop.batch, settings.seconds));
        }
        if (window !== undefined) {
          servedRuns[WINDOWS.indexOf(window)]!.push(await served.run(pictures, window, { seconds: settings.seconds }));
        }
      }
    }
    reportSide(report, side, servedRuns, plainRuns);
    const foreign = median(servedRuns.flat().map(({ foreignCores }) => foreignCores));
    if (foreign > QUIET_CORES) {
      const what = `others used ${foreign.toFixed(2)} cores meanwhile`;
      report.doubt(`throughput at ${side}: ${what}; believe the CPU time a frame, not the frames a second`);
    }
  }
}

function reportSide(report: Report, side: number, servedRuns: ServedRun[][], plainRuns: PlainRun[][]): void {
  const add = (figure: string, unit: string, runs: number[], at: Record<string, number>, aim?: typeof AIM): void =>
    report.add({ bench: 'throughput', figure, at: { side, ...at }, unit, runs, ...(aim === undefined ? {} : { aim }) });
  PLAINS.forEach((at, index) => {
    const runs = plainRuns[index]!;
    add(
      'plain loop',
      'frames/s',
      runs.map(({ framesPerSecond }) => framesPerSecond),
      at,
    );
    add(
      'plain loop CPU',
      'ms/frame',
      runs.map(({ cpuPerFrame }) => cpuPerFrame),
      at,
    );
  });
  const best = bestOf(plainRuns);
  WINDOWS.forEach((window, index) => {
    const runs = servedRuns[index]!;
    const served = runs.map(({ framesPerSecond }) => framesPerSecond);
    const at = { window };
    add('served', 'frames/s', served, at);
    add(
      'mean batch',
      'frames',
      runs.map(({ meanBatchSize }) => meanBatchSize),
      at,
    );
    add(
      'server CPU',
      'ms/frame',
      runs.map(({ serverCpuPerFrame }) => serverCpuPerFrame),
      at,
    );
    add(
      'client CPU',
      'ms/frame',
      runs.map(({ clientCpuPerFrame }) => clientCpuPerFrame),
      at,
    );
    add(
      'foreign load',
      'cores',
      runs.map(({ foreignCores }) => foreignCores),
      at,
    );
    const reference = { ...at, ...PLAINS[best] };
    const plain = plainRuns[best]!;
    const aim = window === Math.max(...WINDOWS) ? AIM : undefined;
    add(
      'served / best plain loop',
      'ratio',
      ratios(
        served,
        plain.map(({ framesPerSecond }) => framesPerSecond),
      ),
      reference,
      aim,
    );
    add(
      'best plain loop CPU / server CPU',
      'ratio',
      ratios(
        plain.map(({ cpuPerFrame }) => cpuPerFrame),
        runs.map(({ serverCpuPerFrame }) => serverCpuPerFrame),
      ),
      reference,
    );
    // One frame in flight keeps one instance busy: one loop is its equal.
    if (window !== 1) return;
    const single = plainRuns[ALONE]!.map(({ framesPerSecond }) => framesPerSecond);
    add('served / one plain loop', 'ratio', ratios(served, single), { ...at, ...PLAINS[ALONE] });
  });
}

/** Place of the fastest way to write the plain loop. */
function bestOf(plainRuns: readonly (readonly PlainRun[])[]): number {
  const medians = plainRuns.map((runs) => median(runs.map(({ framesPerSecond }) => framesPerSecond)));
  return medians.indexOf(Math.max(...medians));
}
