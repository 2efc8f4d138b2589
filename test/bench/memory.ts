import { benchPictures } from './bench-pictures.js';
import { centerfaceRepository } from './bench-repository.js';
import { median } from './figures.js';
import type { Report } from './report.js';
import { Served } from './served.js';
import type { Settings } from './settings.js';
import { serverUsage, type ServerUsage } from './usage.js';

/** A small input: what leaks does so for each frame, however large. */
const SIDE = 160;
const SAMPLES = 200;
const MEBIBYTE = 1 << 20;
const AIM = { is: 'at most', value: 5 } as const;

/** Resident memory of a server that infers frame after frame, in the middle and at the end. */
export async function memory(report: Report, settings: Settings): Promise<void> {
  const sizes = await Promise.all([benchPictures(320, 180), benchPictures(200, 300), benchPictures(160, 160)]);
  const pictures = sizes.flat();
  await using served = await Served.start(await centerfaceRepository(SIDE), pictures);
  const frames = settings.memoryFrames;
  report.progress(`memory: ${frames} frames`);
  const sampling: Promise<ServerUsage>[] = [];
  let answered = 0;
  await served.run(pictures, 32, { frames }, () => {
    answered += 1;
    if (answered % (frames / SAMPLES) === 0) sampling.push(serverUsage(served.httpAddress));
  });
  const samples = await Promise.all(sampling);
  const part = (from: number, to: number, of: (usage: ServerUsage) => number): number =>
    median(samples.slice(from * SAMPLES, to * SAMPLES).map(of)) / MEBIBYTE;
  const growth = (of: (usage: ServerUsage) => number): number => (part(0.9, 1, of) / part(0.45, 0.55, of) - 1) * 100;
  const rss = (usage: ServerUsage): number => usage.rss;
  const add = (figure: string, unit: string, value: number, aim?: typeof AIM): void =>
    report.add({ bench: 'memory', figure, at: { frames }, unit, runs: [value], ...(aim === undefined ? {} : { aim }) });
  add('RSS in the first tenth', 'MiB', part(0, 0.1, rss));
  add('RSS around the middle', 'MiB', part(0.45, 0.55, rss));
  add('RSS in the last tenth', 'MiB', part(0.9, 1, rss));
  add('growth from the middle', '%', growth(rss), AIM);
  // The heap goes up and down by tens of MiB as garbage is collected; what is left besides shows a leak.
  add(
    'growth from the middle beside the heap',
    '%',
    growth(({ rss: all, heap }) => all - heap),
  );
}
