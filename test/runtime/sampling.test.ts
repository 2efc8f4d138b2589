import test, { type ExecutionContext } from 'ava';
import {
  atDecodedSize,
  samplePicture,
  sampleRegion,
  type Affine,
  type SamplingRules,
  type Size,
} from '../../server/runtime/sampling.js';
import { loadNative } from '../../server/runtime/native.js';
import { Random } from '../support/random.js';

const native = loadNative();

function rules(resize: SamplingRules['resize']): SamplingRules {
  return { resize, crop: { rule: 'none' } };
}

function size(random: Random): Size {
  return { width: random.int(1, 4000), height: random.int(1, 4000) };
}

function apply([a, b, c, d, e, f]: Affine, x: number, y: number): [x: number, y: number] {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** Compares at the corners and somewhere inside, relative to the size of the numbers. */
function sameMap(t: ExecutionContext, found: Affine, expected: Affine, { width, height }: Size): void {
  const points = [
    [0, 0],
    [width - 1, 0],
    [0, height - 1],
    [width - 1, height - 1],
    [width / 3, height / 7],
  ] as const;
  for (const [x, y] of points) {
    const [foundX, foundY] = apply(found, x, y);
    const [expectedX, expectedY] = apply(expected, x, y);
    const close = (one: number, other: number) => Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(other));
    t.true(close(foundX, expectedX) && close(foundY, expectedY), `${found.join()} is not ${expected.join()}`);
  }
}

/** Numerics 1.1: the picture to the network input, with one scale, centre on centre, half a pixel counted in. */
function letterboxForward(picture: Size, input: Size): Affine {
  const s = Math.min(input.width / picture.width, input.height / picture.height);
  const shift = (from: number, to: number) => -s * from * 0.5 + to * 0.5 + s * 0.5 - 0.5;
  return [s, 0, shift(picture.width, input.width), 0, s, shift(picture.height, input.height)];
}

function invert([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  return [
    e / determinant,
    -b / determinant,
    (b * f - e * c) / determinant,
    -d / determinant,
    a / determinant,
    (d * c - a * f) / determinant,
  ];
}

/** As OpenCV resizes: sx = (dx + 0.5) * W / dw - 0.5. */
function stretchBackward(picture: Size, input: Size): Affine {
  const [x, y] = [picture.width / input.width, picture.height / input.height];
  return [x, 0, 0.5 * x - 0.5, 0, y, 0.5 * y - 0.5];
}

function shifted([a, b, c, d, e, f]: Affine, x: number, y: number): Affine {
  return [a, b, c + x, d, e, f + y];
}

test('letterboxing is the inverse of the formula, half-pixel terms included, for any sizes', (t) => {
  const random = new Random(11);
  for (let round = 0; round < 500; round++) {
    const [picture, input] = [size(random), size(random)];
    const { toPicture, window, border } = samplePicture(picture, input, rules('letterbox'));
    sameMap(t, toPicture, invert(letterboxForward(picture, input)), input);
    t.is(window, null);
    t.is(border, 'constant');
  }
});

test('a picture of twice the size is sampled half a pixel in', (t) => {
  const { toPicture } = samplePicture({ width: 20, height: 20 }, { width: 10, height: 10 }, rules('letterbox'));
  t.deepEqual(apply(toPicture, 0, 0), [0.5, 0.5]);
  t.deepEqual(apply(toPicture, 9, 9), [18.5, 18.5]);
});

test('a picture of the size of the input is taken as it is', (t) => {
  for (const resize of ['letterbox', 'stretch'] as const) {
    const { toPicture } = samplePicture({ width: 33, height: 7 }, { width: 33, height: 7 }, rules(resize));
    t.deepEqual(toPicture, [1, 0, 0, 0, 1, 0]);
  }
});

test('letterboxing keeps the aspect ratio and puts as much padding on either side', (t) => {
  const random = new Random(12);
  for (let round = 0; round < 200; round++) {
    const [picture, input] = [size(random), size(random)];
    const { toPicture } = samplePicture(picture, input, rules('letterbox'));
    t.is(toPicture[0], toPicture[4]);
    const [left, top] = apply(toPicture, -0.5, -0.5);
    const [right, bottom] = apply(toPicture, input.width - 0.5, input.height - 0.5);
    t.true(Math.abs(left + right - (picture.width - 1)) < 1e-6, 'as much left as right');
    t.true(Math.abs(top + bottom - (picture.height - 1)) < 1e-6, 'as much above as below');
    t.true(left <= -0.5 + 1e-6 && top <= -0.5 + 1e-6, 'nothing of the picture is cut off');
    t.true(Math.min(-0.5 - left, -0.5 - top) < 1e-6, 'and one direction is filled');
  }
});

test('stretching is what OpenCV calls a linear resize, for any sizes', (t) => {
  const random = new Random(13);
  for (let round = 0; round < 500; round++) {
    const [picture, input] = [size(random), size(random)];
    const { toPicture, window, border } = samplePicture(picture, input, rules('stretch'));
    sameMap(t, toPicture, stretchBackward(picture, input), input);
    t.is(window, null);
    t.is(border, 'replicate');
  }
});

for (const resize of ['letterbox', 'stretch'] as const) {
  test(`a box is sampled as the picture that it would be when cropped (${resize})`, (t) => {
    const random = new Random(14);
    for (let round = 0; round < 300; round++) {
      const [picture, input] = [size(random), size(random)];
      const left = random.int(0, picture.width - 1);
      const top = random.int(0, picture.height - 1);
      const right = random.int(left + 1, picture.width);
      const bottom = random.int(top + 1, picture.height);
      const crop = { width: right - left, height: bottom - top };
      const region = { kind: 'box', left, top, right, bottom } as const;
      const { toPicture, window } = sampleRegion(region, picture, input, rules(resize), null, native);
      const whole = resize === 'stretch' ? stretchBackward(crop, input) : invert(letterboxForward(crop, input));
      sameMap(t, toPicture, shifted(whole, left, top), input);
      const all = crop.width === picture.width && crop.height === picture.height;
      t.deepEqual(window, all ? null : { left, top, right, bottom });
    }
  });

  test(`what of a box lies outside the picture does not count (${resize})`, (t) => {
    const picture = { width: 100, height: 60 };
    const input = { width: 32, height: 48 };
    const sample = (left: number, top: number, right: number, bottom: number) =>
      sampleRegion({ kind: 'box', left, top, right, bottom }, picture, input, rules(resize), null, native);
    t.deepEqual(sample(-20, 10, 30, 100), sample(0, 10, 30, 60));
    t.deepEqual(sample(90, -5, 140, 20), sample(90, 0, 100, 20));
    t.deepEqual(sample(-1000, -1000, 1000, 1000), samplePicture(picture, input, rules(resize)));
  });

  test(`a box between pixels may read every pixel that it touches, and no other (${resize})`, (t) => {
    const picture = { width: 100, height: 60 };
    const region = { kind: 'box', left: 10.25, top: 20.75, right: 30.5, bottom: 40 } as const;
    const { toPicture, window } = sampleRegion(region, picture, { width: 64, height: 64 }, rules(resize), null, native);
    t.deepEqual(window, { left: 10, top: 20, right: 31, bottom: 40 });
    const [left, top] = apply(toPicture, -0.5, -0.5);
    const [right, bottom] = apply(toPicture, 63.5, 63.5);
    t.true(Math.abs((left + right) / 2 - (10.25 + 30.5 - 1) / 2) < 1e-9, 'its middle stays its middle');
    t.true(Math.abs((top + bottom) / 2 - (20.75 + 40 - 1) / 2) < 1e-9);
  });
}

test('a map fits a picture that was decoded smaller, as resizing it would', (t) => {
  const random = new Random(15);
  for (let round = 0; round < 300; round++) {
    const [picture, input, decoded] = [size(random), size(random), size(random)];
    const { toPicture } = samplePicture(picture, input, rules('stretch'));
    sameMap(t, atDecodedSize(toPicture, picture, decoded), stretchBackward(decoded, input), input);
  }
});

test('a map of a picture that was decoded at its own size stays as it is', (t) => {
  const picture = { width: 640, height: 481 };
  const { toPicture } = samplePicture(picture, { width: 64, height: 64 }, rules('letterbox'));
  t.is(atDecodedSize(toPicture, picture, picture), toPicture);
});
