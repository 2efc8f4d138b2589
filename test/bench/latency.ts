import type { Sample } from '../../server/cli/bench/load.js';
import { latency as clientLatency } from '../../server/cli/bench/point.js';
import { benchPictures } from './bench-pictures.js';
import { centerfaceRepository } from './bench-repository.js';
import { median } from './figures.js';
import type { Report } from './report.js';
import { Served } from './served.js';
import type { Settings } from './settings.js';

const SIDES = [320, 640] as const;
const AIM = { is: 'at most', value: 1 } as const;

/** What serving adds to a lone frame's work: medians of one frame in flight at a time, in milliseconds. */
export async function latency(report: Report, settings: Settings): Promise<void> {
  const pictures = await benchPictures(1280, 720);
  for (const side of SIDES) {
    await using served = await Served.start(await centerfaceRepository(side), pictures);
    const runs: (readonly Sample[])[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      report.progress(`latency at ${side}: ${repetition + 1} of ${settings.repetitions}`);
      runs.push((await served.run(pictures, 1, { frames: settings.latencyFrames })).samples);
    }
    const add = (figure: string, of: (samples: readonly Sample[]) => number, aim?: typeof AIM): void =>
      report.add({
        bench: 'latency',
        figure,
        at: { side, window: 1 },
        unit: 'ms',
        runs: runs.map(of),
        ...(aim === undefined ? {} : { aim }),
      });
    add('client p50', (samples) => median(samples.map(client)));
    add('server total p50', (samples) => median(samples.map(total)));
    add('phases p50', phasesP50);
    add('added, as the server sees it', (samples) => median(samples.map(total)) - phasesP50(samples));
    add('added, as the client sees it', (samples) => median(samples.map(client)) - phasesP50(samples), AIM);
    // Frame by frame, which a machine that is sometimes slow distorts less.
    add('added to a frame p50, as the server sees it', (samples) =>
      median(samples.map((sample) => total(sample) - phases(sample))),
    );
    add('added to a frame p50, as the client sees it', (samples) =>
      median(samples.map((sample) => client(sample) - phases(sample))),
    );
  }
}

function client(sample: Sample): number {
  return clientLatency(sample) / 1000;
}

function total({ timings }: Sample): number {
  return timings!.totalUs / 1000;
}

/** Decode, preprocess, infer and postprocess of one frame. */
function phases({ timings }: Sample): number {
  const { decodeUs, preprocessUs, inferUs, postprocessUs } = timings!;
  return (decodeUs + preprocessUs + inferUs + postprocessUs) / 1000;
}

/** The sum of the phases' medians. */
function phasesP50(samples: readonly Sample[]): number {
  const timings = samples.map(({ timings }) => timings!);
  const us =
    median(timings.map(({ decodeUs }) => decodeUs)) +
    median(timings.map(({ preprocessUs }) => preprocessUs)) +
    median(timings.map(({ inferUs }) => inferUs)) +
    median(timings.map(({ postprocessUs }) => postprocessUs));
  return us / 1000;
}
