import test from 'ava';
import { all } from '../support/ask.js';
import type { Serving } from '../support/serving.js';
import { addCatalogModel, facePictures, FP16, ON_GPU, startGpuServing } from './gpu-serving.js';

/** The same plan with CUDA graphs and without. */

const MOST = 8;
/** Every size, in an order that comes back to sizes whose graph is there and goes on to those whose is not. */
const SIZES = [1, 8, 3, 8, 5, 2, 7, 1, 4, 6, 8, 2, 5, 3, 7, 1, 6, 4];

let serving: Serving;
let pictures: Buffer[];

test.before(async () => {
  pictures = await facePictures();
  const shared = {
    ...ON_GPU,
    max_batch_size: MOST,
    // Long enough for all frames of a window to be in: a batch is what a stream has in flight.
    dynamic_batching: { max_queue_delay_microseconds: 300_000 },
  };
  serving = await startGpuServing(async (repository) => {
    for (const model of ['centerface', 'reid'] as const) {
      await addCatalogModel(repository, model, `${model}-on`, { ...shared, tensorrt: { ...FP16, cuda_graphs: true } });
      await addCatalogModel(repository, model, `${model}-off`, {
        ...shared,
        tensorrt: { ...FP16, cuda_graphs: false },
      });
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** What a model answers to batches of SIZES, each of other pictures than the one before. */
async function answers(call: 'detect' | 'embed', model: string): Promise<{ batchSize: number; results: unknown }[]> {
  const found: { batchSize: number; results: unknown }[] = [];
  for (const [turn, size] of SIZES.entries()) {
    const frames = Array.from({ length: size }, (_, index) => ({
      picture: pictures[(turn + index) % pictures.length]!,
    }));
    const settings = { model, window: MOST };
    const batch =
      call === 'detect'
        ? await all(serving.client.detect(frames, settings))
        : await all(serving.client.embed(frames, settings));
    for (const { frame, ...results } of batch) {
      if (frame?.error !== undefined) throw new Error(frame.error.message);
      found.push({ batchSize: frame?.timings?.batchSize ?? 0, results });
    }
  }
  return found;
}

for (const [call, model] of [
  ['detect', 'centerface'],
  ['embed', 'reid'],
] as const) {
  test(`${model} answers the same to the bit with and without, whatever size comes after which`, async (t) => {
    const without = await answers(call, `${model}-off`);
    const expectedSizes = SIZES.flatMap((size) => Array.from({ length: size }, () => size));
    t.deepEqual(
      without.map(({ batchSize }) => batchSize),
      expectedSizes,
      'the batches are those that were meant',
    );
    t.deepEqual(await answers(call, `${model}-on`), without);
    t.deepEqual(await answers(call, `${model}-on`), without, 'also when every graph has been recorded');
  });
}
