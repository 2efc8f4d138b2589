import test from 'ava';
import sharp from 'sharp';
import { PixelFormat, type DetectResponse, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { all, detectOne } from '../support/ask.js';
import { encode, spots } from '../support/pictures.js';
import { addStageModels, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** Frames that come back with what was found drawn into them. */

let serving: Serving;

const BLOCKS = [
  [40, 44, 250],
  [88, 100, 200],
] as const;
const picture = spots(SIDE, SIDE, BLOCKS);

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await addStageModels(repository);
    await repository.configure('people', pipelineOf([FIND, DESCRIBE]));
    await repository.configure('coarse', { ...pipelineOf([FIND]), annotate: { quality: 5 } });
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

async function drawnPixels({ annotated }: DetectResponse): Promise<RawPixels> {
  if (annotated[0] !== 0xff || annotated[1] !== 0xd8) throw new Error('it is no JPEG');
  const { data, info } = await sharp(annotated).raw().toBuffer({ resolveWithObject: true });
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width: info.width, height: info.height, data };
}

/** How far the pixel is from what was sent. */
function change(drawn: RawPixels, x: number, y: number, sent = picture): number {
  const at = (y * drawn.width + x) * 3;
  return Math.max(...[0, 1, 2].map((channel) => Math.abs(drawn.data[at + channel]! - sent.data[at + channel]!)));
}

for (const model of ['spots', 'people']) {
  test(`boxes are drawn where ${model} finds something, and nowhere else`, async (t) => {
    const plain = await detectOne(serving.client, { picture }, { model });
    t.is(plain.annotated.length, 0);
    const answer = await detectOne(serving.client, { picture }, { model, annotate: true });
    t.deepEqual(answer.detections, plain.detections);
    const drawn = await drawnPixels(answer);
    t.deepEqual([drawn.width, drawn.height], [SIDE, SIDE]);
    for (const { box } of answer.detections) {
      const [left, bottom] = [Math.round(box!.left), Math.round(box!.bottom)];
      t.true(change(drawn, left, Math.round((box!.top + box!.bottom) / 2)) > 60, 'the left edge');
      t.true(change(drawn, Math.round((box!.left + box!.right) / 2), bottom) > 60, 'the lower edge');
    }
    for (const [x, y] of [
      [5, 120],
      [120, 5],
      [64, 80],
    ] as const) {
      t.true(change(drawn, x, y) < 20, `(${x}, ${y})`);
    }
  });
}

test('pictures of every kind are drawn on as they look', async (t) => {
  const flipped = spots(SIDE, SIDE, BLOCKS);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) flipped.data.subarray(pixel * 3, pixel * 3 + 3).reverse();
  const strided = { ...picture, stride: SIDE * 3 + 7, data: new Uint8Array((SIDE * 3 + 7) * SIDE) };
  for (let y = 0; y < SIDE; y++) {
    strided.data.set(picture.data.subarray(y * SIDE * 3, (y + 1) * SIDE * 3), y * strided.stride);
  }
  const pictures = [
    await encode(picture, 'png'),
    await encode(picture, 'webp'),
    { ...flipped, format: PixelFormat.PIXEL_FORMAT_BGR8 },
    strided,
  ];
  const settings = { model: 'spots', annotate: true };
  const expected = await drawnPixels(await detectOne(serving.client, { picture }, settings));
  for (const other of pictures) {
    t.deepEqual(await drawnPixels(await detectOne(serving.client, { picture: other }, settings)), expected);
  }
});

test('a picture of luma and chroma is drawn on in its colours', async (t) => {
  // Y 128, Cb 90, Cr 160: R = 1.164 * 112 + 1.596 * 32, and so on.
  const data = new Uint8Array((SIDE * SIDE * 3) / 2).fill(128, 0, SIDE * SIDE);
  for (let at = SIDE * SIDE; at < data.length; at += 2) data.set([90, 160], at);
  const nv12 = { format: PixelFormat.PIXEL_FORMAT_NV12, width: SIDE, height: SIDE, data };
  const answer = await detectOne(
    serving.client,
    { picture: nv12 },
    { model: 'spots', annotate: true, scoreThreshold: 1 },
  );
  const drawn = await drawnPixels(answer);
  const middle = drawn.data.subarray((64 * SIDE + 64) * 3, (64 * SIDE + 64) * 3 + 3);
  [181, 119, 54].forEach((level, channel) => t.true(Math.abs(middle[channel]! - level) <= 3, `${middle[channel]}`));
});

test('the quality is that of the configuration', async (t) => {
  const [fine, coarse] = await Promise.all(
    ['people', 'coarse'].map((model) => detectOne(serving.client, { picture }, { model, annotate: true })),
  );
  t.true(coarse!.annotated.length < fine!.annotated.length * 0.7);
});

test('drawn frames of a stream stay in their order, and a broken one fails alone', async (t) => {
  const frames = Array.from({ length: 24 }, (_, index) => ({
    id: String(index),
    picture: index === 7 ? Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]) : spots(SIDE, SIDE, [[4 * index, 60, 255]]),
  }));
  const answers = await all(serving.client.detect(frames, { model: 'people', window: 8, annotate: true }));
  t.deepEqual(
    answers.map(({ frame }) => frame?.frameId),
    frames.map(({ id }) => id),
  );
  for (const [index, answer] of answers.entries()) {
    t.is(answer.frame?.error?.code, index === 7 ? 'BAD_IMAGE' : undefined);
    if (index === 7) t.is(answer.annotated.length, 0);
    else {
      // The left edge of the box around its own block, and no edge where that of the frame after next would be.
      const [drawn, sent] = [await drawnPixels(answer), frames[index]!.picture as RawPixels];
      if (index > 0) t.true(change(drawn, 4 * index - 2, 62, sent) > 60);
      if (index < 22) t.true(change(drawn, 4 * index + 14, 62, sent) < 40);
    }
  }
});
