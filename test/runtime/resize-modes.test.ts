import test from 'ava';
import { loadNative, type PixelView } from '../../server/runtime/native.js';
import { samplePicture, sampleRegion, type Sampling, type Size } from '../../server/runtime/sampling.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from '../support/random.js';

const native = loadNative();
const PAD = 114;

type Mode = 'letterbox_rounded' | 'letterbox_top_left' | 'stretch';

/** What the oracle says of a picture. */
interface Fed {
  readonly levels: Float64Array;
  /** Left, top, right and bottom of the resized picture in the input. */
  readonly area: readonly number[];
}

const rules = (resize: Mode) => ({ resize, crop: { rule: 'none' } }) as const;

function noise(random: Random, { width, height }: Size): PixelView {
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.int(0, 255));
  return { data, format: 'rgb8', width, height, stride: 3 * width };
}

function warp(source: PixelView, input: Size, { toPicture, window, area, border }: Sampling): Float32Array {
  const out = new Float32Array(3 * input.width * input.height);
  const normalization = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const how = { matrix: toPicture, border, window, area, pad: PAD, focus: false, normalization, threads: 1 };
  native.warpNormalize(source, { ...input, ...how }, out, 0);
  return out;
}

function ask(resize: Mode, pictures: readonly PixelView[], inputs: readonly Size[]): Fed[] {
  const cases = pictures.map(({ data, width, height }, index) => {
    const { width: inputWidth, height: inputHeight } = inputs[index]!;
    return { resize, data, width, height, inputWidth, inputHeight, pad: PAD };
  });
  return askOracle<Fed[]>('letterboxes.py', { cases });
}

/** The largest difference of two lists of levels. */
function distance(found: Float32Array, expected: Float64Array): number {
  return found.reduce((most, level, index) => Math.max(most, Math.abs(level - expected[index]!)), 0);
}

for (const resize of ['letterbox_rounded', 'letterbox_top_left', 'stretch'] as const) {
  test(`${resize} is within a grey level of what OpenCV makes of noise by the upstream rule, for any sizes`, (t) => {
    const random = new Random(21);
    const side = (most: number) => random.int(1, most);
    const pictures = Array.from({ length: 60 }, () => noise(random, { width: side(160), height: side(160) }));
    const inputs = pictures.map(() => ({ width: side(120), height: side(120) }));
    ask(resize, pictures, inputs).forEach(({ levels, area }, index) => {
      const [picture, input] = [pictures[index]!, inputs[index]!];
      const sampling = samplePicture(picture, input, rules(resize));
      const { left, top, right, bottom } = sampling.area ?? {
        left: 0,
        top: 0,
        right: input.width,
        bottom: input.height,
      };
      const what = `${picture.width}x${picture.height} to ${input.width}x${input.height}`;
      t.deepEqual([left, top, right, bottom], area, what);
      t.true(distance(warp(picture, input, sampling), levels) <= 1, what);
    });
  });
}

test('sizes between two whole ones go to the even one, as Python rounds', (t) => {
  const at = (width: number, height: number) =>
    samplePicture({ width, height }, { width: 10, height: 100 }, rules('letterbox_rounded')).area;
  // Halved: 2.5 and 3.5 high.
  t.deepEqual(at(20, 5), { left: 0, top: 49, right: 10, bottom: 51 });
  t.deepEqual(at(20, 7), { left: 0, top: 48, right: 10, bottom: 52 });
});

test('a margin that cannot be halved is the smaller one on the left and at the top', (t) => {
  const { area } = samplePicture({ width: 10, height: 10 }, { width: 13, height: 10 }, rules('letterbox_rounded'));
  t.deepEqual(area, { left: 1, top: 0, right: 11, bottom: 10 });
});

test('a picture that is only a line keeps a pixel', (t) => {
  for (const resize of ['letterbox_rounded', 'letterbox_top_left'] as const) {
    const { area } = samplePicture({ width: 4000, height: 1 }, { width: 64, height: 64 }, rules(resize));
    t.is((area?.bottom ?? 0) - (area?.top ?? 0), 1);
  }
});

test('corners of what was resized map back to the corners of the picture', (t) => {
  const random = new Random(22);
  for (const resize of ['letterbox_rounded', 'letterbox_top_left'] as const) {
    for (let round = 0; round < 200; round++) {
      const size = () => ({ width: random.int(20, 4000), height: random.int(20, 4000) });
      const [picture, input] = [size(), size()];
      const { toPicture, area } = samplePicture(picture, input, rules(resize));
      const [a, , c, , e, f] = toPicture;
      const { left, top, right, bottom } = area ?? { left: 0, top: 0, right: input.width, bottom: input.height };
      const corners = [a * (left - 0.5) + c, e * (top - 0.5) + f, a * (right - 0.5) + c, e * (bottom - 0.5) + f];
      const expected = [-0.5, -0.5, picture.width - 0.5, picture.height - 0.5];
      corners.forEach((value, index) => t.true(Math.abs(value - expected[index]!) < 1e-6, `${value}`));
    }
  }
});

test('a box is letterboxed as the picture that it would be when cropped', (t) => {
  const random = new Random(23);
  for (const resize of ['letterbox_rounded', 'letterbox_top_left'] as const) {
    const picture = noise(random, { width: 60, height: 40 });
    const box = { left: 7, top: 5, right: 38, bottom: 36 };
    const rows = Array.from({ length: 31 }, (_, y) =>
      picture.data.slice(3 * (60 * (y + 5) + 7), 3 * (60 * (y + 5) + 38)),
    );
    const cropped: PixelView = { data: Buffer.concat(rows), format: 'rgb8', width: 31, height: 31, stride: 93 };
    const input = { width: 47, height: 32 };
    const sampling = sampleRegion({ kind: 'box', ...box }, picture, input, rules(resize), null, native);
    t.deepEqual(warp(picture, input, sampling), warp(cropped, input, samplePicture(cropped, input, rules(resize))));
  }
});
