import { readFile } from 'node:fs/promises';
import type { RequestTimings } from '../../../server/core/inference.js';
import { open } from '../../../server/local-model.js';
import { median, rate } from '../figures.js';
import { childInput } from './child.js';

export interface LocalInput {
  readonly directory: string;
  readonly engineCache: string;
  readonly pictures: readonly string[];
  readonly inFlight: number;
  readonly seconds: number;
  /** Rows of the batches whose phases are wanted. */
  readonly batch: number;
}

export interface LocalOutput {
  readonly picturesPerSecond: number;
  readonly meanBatchSize: number;
  /** Detections of a picture: not 0, or nothing was measured. */
  readonly detections: number;
  /** Cores that the process used. */
  readonly cores: number;
  /** Medians over full batches, in microseconds; null where there was none. */
  readonly phases: { readonly [Phase in 'decode' | 'preprocess' | 'infer' | 'postprocess']: number } | null;
}

/** Keeps pictures in flight through a model in this process. Input: LocalInput. Output: LocalOutput. */
async function measure(input: LocalInput): Promise<LocalOutput> {
  await using model = await open(input.directory, { engineCache: input.engineCache });
  const pictures = await Promise.all(input.pictures.map((file) => readFile(file)));
  let next = 0;
  let detections = 0;
  let endsAt = 0;
  let answeredAt: number[] = [];
  let timings: RequestTimings[] = [];
  const loop = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const answer = await model.detect(pictures[next++ % pictures.length]!);
      answeredAt.push(performance.now());
      timings.push(answer.timings);
      detections += answer.detections.length;
    }
  };
  const drive = async (seconds: number): Promise<void> => {
    [answeredAt, timings, detections] = [[], [], 0];
    endsAt = performance.now() + seconds * 1000;
    await Promise.all(Array.from({ length: input.inFlight }, loop));
  };
  await drive(input.seconds / 4);
  const before = process.cpuUsage();
  const start = performance.now();
  await drive(input.seconds);
  const { user, system } = process.cpuUsage(before);
  const elapsed = (performance.now() - start) * 1000;
  const full = timings.filter(({ batchSize }) => batchSize === input.batch);
  const phase = (of: (timing: RequestTimings) => number): number => median(full.map(of));
  return {
    picturesPerSecond: rate(answeredAt),
    meanBatchSize: timings.length / timings.reduce((sum, { batchSize }) => sum + 1 / batchSize, 0),
    detections: detections / answeredAt.length,
    cores: (user + system) / elapsed,
    phases:
      full.length === 0
        ? null
        : {
            decode: phase(({ decode }) => decode),
            preprocess: phase(({ preprocess }) => preprocess),
            infer: phase(({ infer }) => infer),
            postprocess: phase(({ postprocess }) => postprocess),
          },
  };
}

console.log(JSON.stringify(await measure(childInput<LocalInput>())));
