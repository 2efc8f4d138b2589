import test from 'ava';
import { loadNative, type PixelView } from '../../server/runtime/native.js';
import { samplePicture, sampleRegion, type SamplingRules, type Size } from '../../server/runtime/sampling.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from '../support/random.js';

const native = loadNative();
const PAD = 127;
const PICTURE = { width: 400, height: 300 };

interface Crop {
  readonly levels: Float64Array;
  /** 1 where a value comes from inside the picture, and where from outside alone. */
  readonly inside: Uint8Array;
  readonly outside: Uint8Array;
  readonly toPicture: Float64Array;
}

const rulesOf = (crop: SamplingRules['crop']): SamplingRules => ({ resize: 'letterbox', crop });

/** A picture without sharp edges. */
function smooth(): PixelView {
  const { width, height } = PICTURE;
  const data = Uint8Array.from({ length: 3 * width * height }, (_, index) => {
    const [pixel, c] = [Math.floor(index / 3), index % 3];
    return 128 + 60 * Math.sin((pixel % width) / 40 + c) + 60 * Math.cos(Math.floor(pixel / width) / 50 - c);
  });
  return { data, format: 'rgb8', width, height, stride: 3 * width };
}

function sample(box: readonly [number, number, number, number], input: Size, crop: SamplingRules['crop']) {
  const [left, top, width, height] = box;
  const region = { kind: 'box', left, top, right: left + width, bottom: top + height } as const;
  return sampleRegion(region, PICTURE, input, rulesOf(crop), null, native);
}

for (const crop of [{ rule: 'alphapose' }, { rule: 'aspect' }, { rule: 'aspect', scale: 1 }] as const) {
  test(`boxes are cropped as their authors do and OpenCV warps them: ${JSON.stringify(crop)}`, (t) => {
    const random = new Random(31);
    const picture = smooth();
    // Boxes on either side of AlphaPose's 100 pixels, some of which reach beyond the picture.
    const cases = Array.from({ length: 24 }, () => {
      const box = [random.int(-40, 380), random.int(-40, 280), random.int(42, 180), random.int(42, 250)] as const;
      const [inputWidth, inputHeight] = [random.int(24, 96), random.int(24, 96)];
      const scale = 'scale' in crop ? crop.scale : 1.25;
      return { ...picture, rule: crop.rule, scale, box, inputWidth, inputHeight, pad: PAD };
    });
    const answers = askOracle<Crop[]>('crops.py', { cases });
    let [seen, padded] = [0, 0];
    cases.forEach(({ box, inputWidth, inputHeight }, index) => {
      const { levels, inside, outside, toPicture } = answers[index]!;
      const input = { width: inputWidth, height: inputHeight };
      const sampling = sample(box, input, crop);
      t.is(sampling.window, null);
      sampling.toPicture.forEach((value, i) => t.true(Math.abs(value - toPicture[i]!) < 1e-6, `${value}`));
      const out = new Float32Array(3 * inputWidth * inputHeight);
      const normalization = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
      const { border, window, area } = sampling;
      const options = { matrix: sampling.toPicture, ...input, border, window, area, pad: PAD, focus: false };
      native.warpNormalize(picture, { ...options, normalization, threads: 1 }, out, 0);
      out.forEach((level, i) => {
        seen += inside[i]!;
        padded += outside[i]!;
        const wrong = (inside[i] === 1 && Math.abs(level - levels[i]!) > 1) || (outside[i] === 1 && level !== PAD);
        if (wrong) t.fail(`case ${index}, value ${i}: ${level} instead of ${levels[i]}`);
      });
    });
    t.true(seen > 10_000 && padded > 1000, 'the cases show the picture and what lies beyond it');
  });
}

test('AlphaPose adds more to boxes of at most 100 pixels', (t) => {
  const input = { width: 50, height: 50 };
  const scale = (width: number) => sample([100, 100, width, 1], input, { rule: 'alphapose' }).toPicture[0];
  t.true(Math.abs(scale(100) - (100 * 1.3) / 50) < 1e-9);
  t.true(Math.abs(scale(101) - (101 * 1.2) / 50) < 1e-9);
});

test('a picture without regions is a box like others', (t) => {
  const input = { width: 48, height: 64 };
  for (const crop of [{ rule: 'alphapose' }, { rule: 'aspect' }] as const) {
    t.deepEqual(samplePicture(PICTURE, input, rulesOf(crop)), sample([0, 0, 400, 300], input, crop));
  }
});

test('a box that lies outside the picture is refused although what is sampled around it does not', (t) => {
  t.throws(() => sample([401, 10, 20, 20], { width: 8, height: 8 }, { rule: 'aspect', scale: 10 }), {
    message: /outside the picture/,
  });
});
