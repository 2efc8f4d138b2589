import test from 'ava';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { all, detectOne, embedOne } from '../support/ask.js';
import { closeTo, foundAt } from '../support/close-to.js';
import { plain } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { toBgr, toGray, toNv12, withStride } from '../support/raw-formats.js';
import { Serving } from '../support/serving.js';
import { boxOf, cellsInside, lightCells, waves } from '../support/spot-pictures.js';
import { gridModel, spotsModel } from '../support/tiny-models.js';

const INPUT = { width: 64, height: 64 };
const PICTURE = { width: 128, height: 96 };

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const instances = { instance_group: { count: 1 } };
    const embedder = { task: 'embedding', input: INPUT, postprocess: { normalize: false }, ...instances };
    await repository.addModel('spots', { task: 'centerface', input: INPUT, ...instances }, spotsModel(64, 64));
    await repository.addModel('grid', { preprocess: { resize: 'stretch' }, ...embedder }, gridModel(64, 64, 16));
    await repository.addModel('bgr', { preprocess: { color: 'bgr' }, ...embedder }, gridModel(64, 64, 1));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

async function grid(picture: RawPixels | Uint8Array): Promise<readonly number[]> {
  const { frame, embeddings } = await embedOne(serving.client, { picture }, { model: 'grid' });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return embeddings[0]!.values;
}

/** Every channel the same, different from pixel to pixel. */
function noise(width: number, height: number): RawPixels {
  const random = new Random(7);
  const picture = plain(width, height, [0, 0, 0]);
  for (let at = 0; at < picture.data.length; at += 3) picture.data.fill(random.int(0, 255), at, at + 3);
  return picture;
}

const cells = cellsInside(PICTURE, INPUT);
const lit = [cells[0]!, cells[20]!, cells.at(-1)!];
const red = lightCells(PICTURE, INPUT, lit);
const SHAPES: readonly (readonly [name: string, picture: RawPixels])[] = [
  ['RGB8', red],
  ['RGB8 with a longer stride', withStride(red, 128 * 3 + 1)],
  ['BGR8', toBgr(red)],
  ['BGR8 with a longer stride', toBgr(red, 128 * 3 + 61)],
  ['GRAY8', toGray(red)],
  ['GRAY8 with a longer stride', toGray(red, 131)],
  ['NV12', toNv12(red)],
  ['NV12 with a longer stride', toNv12(red, 145)],
];

for (const [name, picture] of SHAPES) {
  test(`spots are found in raw ${name}`, async (t) => {
    const { frame, detections } = await detectOne(serving.client, { picture }, { model: 'spots' });
    t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 128, 96]);
    const boxes = lit.map((cell) => boxOf(cell, PICTURE, INPUT));
    foundAt(t, detections, boxes, 1e-3);
    closeTo(
      t,
      detections.map(({ score }) => score),
      [1, 1, 1],
      0.01,
      'the scores',
    );
  });
}

test('the same grey picture gives the same embedding as RGB8, BGR8 and GRAY8, whatever the stride', async (t) => {
  for (const [width, height] of [
    [64, 64],
    [77, 41],
    [1, 9],
    [9, 1],
  ] as const) {
    const picture = noise(width, height);
    const expected = await grid(picture);
    t.deepEqual(await grid(withStride(picture, width * 3 + 5)), expected);
    t.deepEqual(await grid(toBgr(picture)), expected);
    t.deepEqual(await grid(toBgr(picture, width * 3 + 1)), expected);
    t.deepEqual(await grid(toGray(picture)), expected);
    t.deepEqual(await grid(toGray(picture, width + 31)), expected);
  }
});

test('a coloured picture gives the same embedding as RGB8 and BGR8, and nearly the same as NV12', async (t) => {
  const picture = waves({ width: 90, height: 62 });
  const expected = await grid(picture);
  t.deepEqual(await grid(toBgr(picture, 301)), expected);
  // Each of 2x2 pixels has the colour of one of them, and the transform back is rounded.
  closeTo(t, await grid(toNv12(picture)), expected, 12);
  closeTo(t, await grid(toNv12(picture, 111)), await grid(toNv12(picture)), 0, 'a longer stride');
});

test('an NV12 picture of one colour has that colour', async (t) => {
  for (const color of [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
    [0, 0, 0],
    [90, 130, 200],
  ] as const) {
    const values = await grid(toNv12(plain(32, 22, color)));
    const means = [0, 1, 2].map((channel) => values[channel * 256]!);
    closeTo(t, means, color, 3, `the colour ${color.join(' ')}`);
  }
});

test('NV12 levels outside the limited range are clamped', async (t) => {
  const pixels = (luma: number, cb: number, cr: number): RawPixels => {
    const data = new Uint8Array(16 * 16 * 1.5).fill(luma);
    for (let at = 256; at < data.length; at += 2) data.set([cb, cr], at);
    return { format: PixelFormat.PIXEL_FORMAT_NV12, width: 16, height: 16, data };
  };
  const level = async (picture: RawPixels) => {
    const values = await grid(picture);
    return [0, 1, 2].map((channel) => values[channel * 256]!);
  };
  t.deepEqual(await level(pixels(255, 128, 128)), [255, 255, 255]);
  t.deepEqual(await level(pixels(0, 128, 128)), [0, 0, 0]);
  t.deepEqual(await level(pixels(235, 255, 255)), [255, 102, 255]);
  t.deepEqual(await level(pixels(16, 0, 0)), [0, 154, 0]);
});

test('a model that expects blue first gets blue first', async (t) => {
  const { embeddings } = await embedOne(serving.client, { picture: plain(64, 64, [200, 100, 50]) }, { model: 'bgr' });
  closeTo(t, embeddings[0]!.values, [50, 100, 200], 1e-3);
});

test('bytes behind the picture do no harm', async (t) => {
  const data = new Uint8Array(red.data.length + 4096).fill(255);
  data.set(red.data);
  const { detections } = await detectOne(serving.client, { picture: { ...red, data } }, { model: 'spots' });
  t.is(detections.length, 3);
});

test('one stream may mix formats and sizes', async (t) => {
  const frames = SHAPES.map(([id, picture]) => ({ id, picture }));
  const answers = await all(serving.client.detect(frames, { model: 'spots' }));
  t.deepEqual(
    answers.map(({ frame, detections }) => [frame?.frameId, detections.length]),
    SHAPES.map(([id]) => [id, 3]),
  );
});
