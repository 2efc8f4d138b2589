import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { RegionsFrame } from '../../clients/typescript/sluice-client.js';
import { embedOne } from '../support/ask.js';
import { boxRegion, landmarksRegion } from '../support/messages.js';
import type { Serving } from '../support/serving.js';
import { addCatalogModel, astronaut, FP16, FP32, ON_CPU, ON_GPU, pixelsOf, startGpuServing } from './gpu-serving.js';

/** Embeddings on the GPU beside those of the CPU, of whole pictures and of regions. */

/** Two eyes, the nose and the corners of the mouth, in the 224x224 of the network. */
const ALIGNMENT = [
  [76, 103],
  [147, 103],
  [112, 143],
  [83, 184],
  [141, 184],
];

let serving: Serving;

test.before(async () => {
  const preprocess = {
    resize: 'stretch',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    alignment: ALIGNMENT,
  };
  serving = await startGpuServing(async (repository) => {
    await addCatalogModel(repository, 'reid', 'cpu', { ...ON_CPU, preprocess });
    await addCatalogModel(repository, 'reid', 'fp32', { ...ON_GPU, preprocess, tensorrt: FP32 });
    await addCatalogModel(repository, 'reid', 'fp16', { ...ON_GPU, preprocess, tensorrt: FP16 });
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const BOXES = [
  [0, 0, 512, 512],
  [180, 58, 271, 176],
  [0, 100, 60, 400],
  [300, 300, 512, 340],
  [400, 10, 411, 29],
  // Over the edges of the picture.
  [-40, -30, 100, 90],
  [450, 460, 600, 700],
] as const;

const FACE = [205, 107, 247, 109, 222, 133, 207, 151, 242, 153];

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** How close a cosine is to 1. What half precision rounds shows most in a crop of a few pixels, which is nearly flat. */
const LEAST_COSINE = { fp32: 0.9999, fp16: 0.995 } as const;

/** Passes when the GPU's embeddings of a frame point where the CPU's do. */
async function sameEmbeddings(t: ExecutionContext, frame: RegionsFrame): Promise<void> {
  const expected = await embedOne(serving.client, frame, { model: 'cpu' });
  t.is(expected.embeddings.length, Math.max(1, frame.regions?.length ?? 0));
  for (const model of ['fp32', 'fp16'] as const) {
    const answer = await embedOne(serving.client, frame, { model });
    t.is(answer.frame?.error, undefined, model);
    t.is(answer.embeddings.length, expected.embeddings.length, model);
    answer.embeddings.forEach(({ values, error }, index) => {
      t.is(error, undefined);
      t.true(Math.abs(Math.hypot(...values) - 1) < 1e-4, `${model}: region ${index} has length 1`);
      const similarity = cosine(values, expected.embeddings[index]!.values);
      t.true(similarity > LEAST_COSINE[model], `${model}: region ${index} has a cosine of ${similarity}`);
    });
  }
}

test('whole pictures of several sizes are embedded as on the CPU', async (t) => {
  for (const [width, height] of [
    [512, 512],
    [100, 300],
    [1200, 500],
    [31, 17],
  ] as const) {
    const picture = await sharp(await astronaut())
      .resize(width, height, { fit: 'fill' })
      .png()
      .toBuffer();
    await sameEmbeddings(t, { picture });
  }
});

test('boxes and a face of five landmarks are cut as on the CPU', async (t) => {
  const regions = [
    ...BOXES.map(([left, top, right, bottom]) => boxRegion(left, top, right, bottom)),
    landmarksRegion(FACE),
  ];
  await sameEmbeddings(t, { picture: await astronaut(), regions });
});

test('a box sees nothing of the picture around it', async (t) => {
  const picture = await pixelsOf(await astronaut());
  const box = { left: 180, top: 58, right: 271, bottom: 176 };
  const alone = { ...picture, data: new Uint8Array(picture.data.length).fill(255) };
  for (let y = box.top; y < box.bottom; y++) {
    const [from, to] = [(y * picture.width + box.left) * 3, (y * picture.width + box.right) * 3];
    alone.data.set(picture.data.subarray(from, to), from);
  }
  const regions = [boxRegion(box.left, box.top, box.right, box.bottom)];
  const [one, other] = [
    await embedOne(serving.client, { picture, regions }, { model: 'fp16' }),
    await embedOne(serving.client, { picture: alone, regions }, { model: 'fp16' }),
  ];
  t.is(one.embeddings.length, 1);
  t.deepEqual(other.embeddings, one.embeddings);
});

test('more regions than a batch takes are all answered, in their order', async (t) => {
  const regions = Array.from({ length: 50 }, (_, index) => boxRegion(index * 8, index * 4, index * 8 + 90, 300));
  await sameEmbeddings(t, { picture: await astronaut(), regions });
});

test('different regions have different embeddings', async (t) => {
  const regions = [boxRegion(180, 58, 271, 176), boxRegion(300, 300, 512, 340)];
  const { embeddings } = await embedOne(serving.client, { picture: await astronaut(), regions }, { model: 'fp16' });
  t.true(cosine(embeddings[0]!.values, embeddings[1]!.values) < 0.9);
});
