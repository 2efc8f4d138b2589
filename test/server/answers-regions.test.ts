import test, { type ExecutionContext } from 'ava';
import type { Embedding } from '../../server/gen/sluice/v1/inference.js';
import { askOracle } from '../oracle/oracle.js';
import { all, embedOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { boxRegion, landmarksRegion } from '../support/messages.js';
import { Random } from '../support/random.js';
import { Serving } from '../support/serving.js';
import { waves, type Rectangle } from '../support/spot-pictures.js';
import { gridModel } from '../support/tiny-models.js';

/** Where the landmarks of a face belong in a picture of 112x112. */
const TEMPLATE = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041];

const MODELS = {
  stretch: { width: 48, height: 32, resize: 'stretch', pad: 0, cells: 4 },
  letterbox: { width: 48, height: 32, resize: 'letterbox', pad: 114, cells: 4 },
  faces: { width: 112, height: 112, resize: 'stretch', pad: 0, cells: 7, template: TEMPLATE },
} as const;

const PICTURE = { width: 180, height: 140 };
const picture = waves(PICTURE);
const WHOLE = { left: 0, top: 0, right: 180, bottom: 140 };

/** OpenCV interpolates in steps of 1/32 pixel; the waves change by up to 6 levels from pixel to pixel. */
const TOLERANCE = 0.75;

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    for (const [name, model] of Object.entries(MODELS)) {
      const { width, height, resize, pad, cells } = model;
      const points = Array.from({ length: 5 }, (_, index) => TEMPLATE.slice(2 * index, 2 * index + 2));
      const alignment = name === 'faces' ? { alignment: points } : {};
      const config = {
        task: 'embedding',
        input: { width, height },
        max_batch_size: 4,
        preprocess: { resize, pad, ...alignment },
        instance_group: { count: 1 },
      };
      const bytes = gridModel(width, height, cells);
      await repository.addModel(name, { ...config, postprocess: { normalize: false } }, bytes);
      await repository.addModel(`${name}-unit`, config, bytes);
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

type Asked = Rectangle | { readonly points: readonly number[] };

/** The embeddings of regions of the picture, and what they should be. */
async function ask(model: keyof typeof MODELS, asked: readonly Asked[]) {
  const regions = asked.map((region) =>
    'points' in region
      ? landmarksRegion(region.points)
      : boxRegion(region.left, region.top, region.right, region.bottom),
  );
  const { frame, embeddings } = await embedOne(serving.client, { picture, regions }, { model });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return { frame, embeddings, expected: expect(model, asked) };
}

function expect(model: keyof typeof MODELS, regions: readonly Asked[]): readonly Float64Array[] {
  const { data } = picture;
  return askOracle('regions.py', { ...PICTURE, data, model: MODELS[model], regions });
}

function same(t: ExecutionContext, embeddings: readonly Embedding[], expected: readonly Float64Array[]): void {
  t.is(embeddings.length, expected.length);
  embeddings.forEach(({ values, error }, index) => {
    t.is(error, undefined);
    closeTo(t, values, expected[index]!, TOLERANCE, `region ${index}`);
  });
}

/** Landmarks of a face of `size` pixels, turned by `angle`, with some of its own features. */
function face(x: number, y: number, size: number, angle: number, random: Random): number[] {
  const [cosine, sine] = [Math.cos(angle) * (size / 112), Math.sin(angle) * (size / 112)];
  return Array.from({ length: 5 }, (_, index) => {
    const dx = TEMPLATE[2 * index]! - 56 + random.next() * 6 - 3;
    const dy = TEMPLATE[2 * index + 1]! - 56 + random.next() * 6 - 3;
    return [x + cosine * dx - sine * dy, y + sine * dx + cosine * dy].map(Math.fround);
  }).flat();
}

for (const model of ['stretch', 'letterbox'] as const) {
  test(`without regions the whole picture is embedded, with ${model}`, async (t) => {
    const { embeddings } = await embedOne(serving.client, { picture }, { model });
    same(t, embeddings, expect(model, [WHOLE]));
  });

  test(`boxes are cropped and resized with ${model}`, async (t) => {
    const boxes = [
      WHOLE,
      { left: 10, top: 20, right: 58, bottom: 52 },
      { left: 100, top: 3, right: 120, bottom: 130 },
      { left: 0, top: 100, right: 180, bottom: 140 },
      { left: 177, top: 137, right: 180, bottom: 140 },
      { left: 60, top: 60, right: 61, bottom: 61 },
      { left: 33.25, top: 21.5, right: 80.75, bottom: 99.125 },
    ];
    const { embeddings, expected } = await ask(model, boxes);
    same(t, embeddings, expected);
  });

  test(`boxes partly outside the picture are clipped to it, with ${model}`, async (t) => {
    const boxes = [
      { left: -20, top: -10, right: 60, bottom: 50 },
      { left: 150, top: 100, right: 250, bottom: 400 },
      { left: -5, top: 30, right: 185, bottom: 60 },
      { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 },
      { left: 179.5, top: 60, right: 300, bottom: 80 },
    ];
    const { embeddings, expected } = await ask(model, boxes);
    same(t, embeddings, expected);
  });
}

test('landmarks are brought onto the alignment template', async (t) => {
  const random = new Random(3);
  const faces = [
    { points: TEMPLATE },
    { points: face(90, 70, 60, 0, random) },
    { points: face(90, 70, 100, 0.6, random) },
    { points: face(60, 80, 40, -2.5, random) },
    { points: face(120, 40, 200, Math.PI, random) },
    { points: face(10, 130, 80, 0.2, random) },
  ];
  const { embeddings, expected } = await ask('faces', faces);
  same(t, embeddings, expected);
});

test('embeddings have unit length where the model is configured to normalise, and only there', async (t) => {
  const boxes = [WHOLE, { left: 10, top: 20, right: 58, bottom: 52 }];
  const regions = boxes.map(({ left, top, right, bottom }) => boxRegion(left, top, right, bottom));
  const expected = expect('stretch', boxes);
  const unit = await embedOne(serving.client, { picture, regions }, { model: 'stretch-unit' });
  unit.embeddings.forEach(({ values }, index) => {
    const length = Math.hypot(...expected[index]!);
    t.true(Math.abs(Math.hypot(...values) - 1) < 1e-5);
    closeTo(
      t,
      values,
      expected[index]!.map((value) => value / length),
      TOLERANCE / length,
    );
  });
  const plain = await embedOne(serving.client, { picture, regions }, { model: 'stretch' });
  t.true(plain.embeddings.every(({ values }) => Math.hypot(...values) > 100));
});

test('many regions over several batches stay aligned with their results, failed ones included', async (t) => {
  const random = new Random(17);
  const good: Rectangle[] = Array.from({ length: 50 }, () => {
    const [left, top] = [random.int(-20, 150), random.int(-20, 120)];
    return { left, top, right: Math.max(1, left) + random.int(4, 60), bottom: Math.max(1, top) + random.int(4, 60) };
  });
  const outside = { left: 500, top: 500, right: 600, bottom: 600 };
  const asked = good.map((box, index) => (index % 7 === 3 ? outside : box));
  const { embeddings, frame } = await ask('stretch', good);
  same(t, embeddings, expect('stretch', good));
  t.is(frame?.timings?.batchSize, 50, 'rows of its batch');
  const regions = asked.map(({ left, top, right, bottom }) => boxRegion(left, top, right, bottom));
  const mixed = await embedOne(serving.client, { picture, regions }, { model: 'stretch' });
  t.is(mixed.frame?.error, undefined);
  mixed.embeddings.forEach(({ values, error }, index) => {
    if (asked[index] === outside) t.deepEqual([error?.code, values], ['BAD_REGION', []]);
    else t.deepEqual([error, values], [undefined, embeddings[index]!.values]);
  });
});

test('frames with different numbers of regions keep each their own', async (t) => {
  const random = new Random(23);
  const frames = Array.from({ length: 40 }, (_, index) => {
    const boxes = Array.from({ length: random.int(0, 9) }, () => {
      const [left, top] = [random.int(0, 170), random.int(0, 130)];
      return { left, top, right: left + random.int(2, 60), bottom: top + random.int(2, 60) };
    });
    return { id: String(index), picture, boxes };
  });
  const expected = expect(
    'letterbox',
    frames.flatMap(({ boxes }) => (boxes.length === 0 ? [WHOLE] : boxes)),
  );
  const asked = frames.map(({ boxes, ...frame }) => ({
    ...frame,
    regions: boxes.map(({ left, top, right, bottom }) => boxRegion(left, top, right, bottom)),
  }));
  const answers = await all(serving.client.embed(asked, { model: 'letterbox', window: 16 }));
  t.deepEqual(
    answers.map(({ frame, embeddings }) => [frame?.frameId, embeddings.length]),
    frames.map(({ id, boxes }) => [id, Math.max(1, boxes.length)]),
  );
  same(
    t,
    answers.flatMap(({ embeddings }) => embeddings),
    expected,
  );
});
