import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { DetectResponse } from '../../clients/typescript/sluice-client.js';
import { all, detectOne, embedOne } from '../support/ask.js';
import { boxRegion } from '../support/messages.js';
import { pipelineOf } from '../support/pipelines.js';
import type { Serving } from '../support/serving.js';
import {
  addCatalogModel,
  deviceMemory,
  facePictures,
  FP32,
  ON_CPU,
  ON_GPU,
  pixelsOf,
  startGpuServing,
} from './gpu-serving.js';

/** Pipelines whose stages run on the GPU, on the CPU, or on both: pictures stay where they were decoded. */

/** Where the first and the second stage run. */
const PLACES = [
  ['gpu', 'gpu'],
  ['gpu', 'cpu'],
  ['cpu', 'gpu'],
] as const;

let serving: Serving;

test.before(async () => {
  serving = await startGpuServing(async (repository) => {
    for (const [name, on] of [
      ['gpu', ON_GPU],
      ['cpu', ON_CPU],
    ] as const) {
      await addCatalogModel(repository, 'centerface', `faces-${name}`, { ...on, tensorrt: FP32 });
      await addCatalogModel(repository, 'reid', `vectors-${name}`, { ...on, tensorrt: FP32 });
    }
    for (const [first, second] of PLACES) {
      const stages = [
        { name: 'find', model: `faces-${first}` },
        { name: 'embed', model: `vectors-${second}`, input: 'find' },
      ];
      await repository.configure(`${first}-${second}`, pipelineOf(stages));
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Passes when each face has the embedding that the second model alone gives for its box. */
async function sameAsAlone(
  t: ExecutionContext,
  answer: DetectResponse,
  picture: Buffer,
  second: string,
): Promise<void> {
  t.is(answer.frame?.error, undefined);
  t.true(answer.stages.every(({ error }) => error === undefined));
  if (answer.detections.length === 0) return;
  const regions = answer.detections.map(({ box }) => boxRegion(box!.left, box!.top, box!.right, box!.bottom));
  const { embeddings } = await embedOne(serving.client, { picture, regions }, { model: `vectors-${second}` });
  answer.detections.forEach(({ embedding }, index) => {
    const expected = embeddings[index]!.values;
    const dot = embedding!.values.reduce((sum, value, at) => sum + value * expected[at]!, 0);
    // JPEGs are decoded by different code on the CPU and the GPU.
    t.true(dot > 0.995, `face ${index} has a cosine of ${dot}`);
  });
}

for (const [first, second] of PLACES) {
  test.serial(`faces found on the ${first} are embedded on the ${second} as alone`, async (t) => {
    let faces = 0;
    for (const png of await facePictures()) {
      const jpeg = await sharp(png).jpeg({ quality: 95 }).toBuffer();
      for (const picture of [png, jpeg]) {
        const answer = await detectOne(serving.client, { picture }, { model: `${first}-${second}` });
        faces += answer.detections.length;
        await sameAsAlone(t, answer, picture, second);
      }
    }
    t.true(faces >= 20);
  });

  test.serial(`frames are drawn on where they are found on the ${first} and embedded on the ${second}`, async (t) => {
    const [, photograph] = await facePictures();
    const jpeg = await sharp(photograph).jpeg({ quality: 95 }).toBuffer();
    for (const picture of [jpeg, await pixelsOf(photograph!)]) {
      const answer = await detectOne(serving.client, { picture }, { model: `${first}-${second}`, annotate: true });
      t.is(answer.detections.length, 1);
      const drawn = await pixelsOf(answer.annotated);
      const sent = await pixelsOf(photograph!);
      t.deepEqual([drawn.width, drawn.height], [sent.width, sent.height]);
      const { left, top, bottom } = answer.detections[0]!.box!;
      const change = (x: number, y: number): number => {
        const at = (Math.round(y) * sent.width + Math.round(x)) * 3;
        return Math.max(...[0, 1, 2].map((channel) => Math.abs(drawn.data[at + channel]! - sent.data[at + channel]!)));
      };
      t.true(change(left, (top + bottom) / 2) > 40, 'the left edge of the box');
      t.true(change(sent.width - 10, sent.height - 10) < 30, 'the corner of the picture');
    }
  });
}

test.serial('the memory of the GPU does not grow with the frames that go through', async (t) => {
  const [, photograph] = await facePictures();
  const picture = await sharp(photograph).resize(2000).jpeg().toBuffer();
  const stream = async (annotate: boolean): Promise<void> => {
    const frames = Array.from({ length: 200 }, () => ({ picture }));
    for (const model of ['gpu-gpu', 'gpu-cpu']) {
      const answers = await all(serving.client.detect(frames, { model, window: 16, annotate }));
      t.true(answers.every(({ frame }) => frame?.error === undefined));
    }
  };
  await stream(true);
  const before = await deviceMemory(serving);
  await stream(false);
  await stream(true);
  const grown = (await deviceMemory(serving)) - before;
  // 12 MB a picture, 800 pictures.
  t.true(grown <= 64 << 20, `it grew by ${grown >> 20} MiB`);
});
