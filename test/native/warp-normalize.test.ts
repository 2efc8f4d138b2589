import test, { type ExecutionContext } from 'ava';
import { loadNative } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';
import * as cases from './warp-cases.js';
import type { WarpCase } from './warp-cases.js';

const native = loadNative();

type Oracle = 'definition' | 'cv2.warpAffine' | 'cv2.resize' | 'cv2.cvtColor' | 'cv2.cvtColorTwoPlane';

/** Where each value has to lie. */
interface Interval {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function warp({ source, options }: WarpCase): Float32Array {
  const channels = options.normalization.color === 'gray' ? 1 : 3;
  const out = new Float32Array(channels * options.width * options.height);
  native.warpNormalize(source, options, out, 0);
  return out;
}

function agrees(t: ExecutionContext, oracle: Oracle, all: readonly WarpCase[]): void {
  const intervals = askOracle<Interval[]>('warp_normalize.py', { oracle, cases: all });
  for (const [index, one] of all.entries()) {
    const { low, high } = intervals[index]!;
    const out = warp(one);
    t.is(out.length, low.length);
    const wrong = out.findIndex((value, i) => {
      const slack = 1e-5 * (1 + Math.abs(value));
      return !(value >= low[i]! - slack && value <= high[i]! + slack);
    });
    if (wrong === -1) continue;
    const { source, options } = one;
    const shown = { ...source, data: source.data.length, options };
    t.fail(
      `case ${index}, value ${wrong}: ${out[wrong]} is not in ${low[wrong]}..${high[wrong]} ${JSON.stringify(shown)}`,
    );
    return;
  }
  t.pass();
}

const plain = {
  border: 'constant',
  pad: 114,
  window: null,
  area: null,
  focus: false,
  normalization: cases.LEVELS,
  threads: 1,
} as const;

test('random pictures of every format, map, border and window give what the definition says', (t) => {
  const random = new Random(1);
  agrees(
    t,
    'definition',
    Array.from({ length: 600 }, () => cases.anyCase(random)),
  );
});

test('pictures of camera size, letterboxed, give what the definition says', (t) => {
  const random = new Random(2);
  const all = cases.FORMATS.map((format) => {
    const source = cases.noise(random, format, 641, 361, 3);
    return { source, options: { ...plain, width: 160, height: 160, matrix: cases.letterbox(source, 160, 160) } };
  });
  agrees(t, 'definition', all);
});

test('a smooth picture, warped by any map, is within a grey level of OpenCV', (t) => {
  const random = new Random(3);
  const all = Array.from({ length: 20 }, (_, index) => {
    const source = cases.smooth(random, random.integer(20, 200), random.integer(20, 200));
    const [width, height] = [random.integer(1, 120), random.integer(1, 120)];
    const border = index % 2 === 0 ? ('constant' as const) : ('replicate' as const);
    return {
      source,
      options: { ...plain, border, width, height, matrix: cases.rotation(random, source, width, height) },
    };
  });
  agrees(t, 'cv2.warpAffine', all);
});

test('a picture stretched over the input is within a grey level of OpenCV', (t) => {
  const random = new Random(4);
  const all = Array.from({ length: 30 }, () => {
    const source = cases.noise(
      random,
      random.pick(['rgb8', 'bgr8', 'gray8']),
      random.integer(1, 90),
      random.integer(1, 90),
    );
    const [width, height] = [random.integer(1, 90), random.integer(1, 90)];
    const matrix = cases.stretch(source, width, height);
    return { source, options: { ...plain, border: 'replicate' as const, width, height, matrix } };
  });
  agrees(t, 'cv2.resize', all);
});

test('a picture in grey is within a grey level of OpenCV', (t) => {
  const random = new Random(9);
  const normalization = { ...cases.LEVELS, color: 'gray' } as const;
  const all = Array.from({ length: 10 }, () => {
    const [width, height] = [random.integer(1, 90), random.integer(1, 90)];
    const source = cases.noise(random, random.pick(['rgb8', 'bgr8', 'gray8']), width, height);
    return { source, options: { ...plain, normalization, width, height, matrix: [1, 0, 0, 0, 1, 0] } };
  });
  agrees(t, 'cv2.cvtColor', all);
});

test('a picture that is grey already keeps its levels, as one channel too', (t) => {
  const data = Uint8Array.from({ length: 256 }, (_, level) => level);
  const source = { data, format: 'gray8', width: 16, height: 16, stride: 16 } as const;
  const normalization = { ...cases.LEVELS, color: 'gray' } as const;
  for (const matrix of [
    [1, 0, 0, 0, 1, 0],
    [0, 1, 0, 1, 0, 0],
  ]) {
    const out = warp({ source, options: { ...plain, normalization, width: 16, height: 16, matrix } });
    t.deepEqual(
      [...out].sort((a, b) => a - b),
      [...data],
    );
  }
});

test('Focus takes every second column and row, columns first', (t) => {
  const source = { data: Uint8Array.of(10, 20, 30, 40), format: 'gray8', width: 2, height: 2, stride: 2 } as const;
  const out = warp({ source, options: { ...plain, focus: true, width: 2, height: 2, matrix: [1, 0, 0, 0, 1, 0] } });
  t.deepEqual([...out], [10, 10, 10, 30, 30, 30, 20, 20, 20, 40, 40, 40]);
});

test('outside its area a warp writes the pad, inside it the border goes on', (t) => {
  const source = { data: Uint8Array.of(10, 20), format: 'gray8', width: 2, height: 1, stride: 2 } as const;
  const area = { left: 1, top: 0, right: 5, bottom: 1 };
  const matrix = [1, 0, -2, 0, 1, 0];
  const normalization = { ...cases.LEVELS, color: 'gray' } as const;
  const options = { ...plain, border: 'replicate', area, normalization, width: 6, height: 2, matrix } as const;
  t.deepEqual([...warp({ source, options })], [114, 10, 10, 20, 20, 114, 114, 114, 114, 114, 114, 114]);
});

test('NV12 of the legal range is within a grey level of OpenCV', (t) => {
  const random = new Random(5);
  const all = Array.from({ length: 5 }, () => {
    const [width, height] = [2 * random.integer(1, 60), 2 * random.integer(1, 60)];
    const picture = cases.noise(random, 'nv12', width, height, random.integer(0, 5));
    // OpenCV takes luma below black for black.
    const source = { ...picture, data: picture.data.map((value) => Math.max(value, 16)) };
    return { source, options: { ...plain, width, height, matrix: [1, 0, 0, 0, 1, 0] } };
  });
  agrees(t, 'cv2.cvtColorTwoPlane', all);
});

test('NV12 beyond the limited range is clamped', (t) => {
  const white = Uint8Array.of(255, 255, 255, 255, 128, 128);
  const black = Uint8Array.of(0, 0, 0, 0, 128, 128);
  for (const [data, level] of [
    [white, 255],
    [black, 0],
  ] as const) {
    const source = { data, format: 'nv12', width: 2, height: 2, stride: 2 } as const;
    const out = warp({ source, options: { ...plain, width: 2, height: 2, matrix: [1, 0, 0, 0, 1, 0] } });
    t.deepEqual(
      [...out],
      Array.from({ length: 12 }, () => level),
    );
  }
});

test('any number of threads gives the same values', (t) => {
  const random = new Random(6);
  for (const format of cases.FORMATS) {
    const source = cases.noise(random, format, 211, 173, 1);
    const maps = [cases.letterbox(source, 302, 258), cases.rotation(random, source, 302, 258)];
    for (const [matrix, focus] of maps.flatMap((map) => [[map, false] as const, [map, true] as const])) {
      const options = { ...plain, focus, width: 302, height: 258, matrix };
      const alone = warp({ source, options });
      for (const threads of [2, 3, 7, 256]) t.deepEqual(warp({ source, options: { ...options, threads } }), alone);
    }
  }
});

test('only the values from the offset on are written', (t) => {
  const random = new Random(7);
  const source = cases.noise(random, 'rgb8', 9, 7);
  const options = { ...plain, width: 5, height: 4, matrix: cases.letterbox(source, 5, 4) };
  const out = new Float32Array(11 + 60 + 13).fill(-7);
  native.warpNormalize(source, options, out, 11);
  t.deepEqual(out.slice(11, 71), warp({ source, options }));
  t.true([...out.slice(0, 11), ...out.slice(71)].every((value) => value === -7));
});

test('pixels outside the window do not show', (t) => {
  const random = new Random(8);
  const source = cases.noise(random, 'rgb8', 20, 20);
  const window = { left: 5, top: 6, right: 11, bottom: 12 };
  const options = { ...plain, width: 32, height: 32, window, matrix: [0.6, 0, 1.3, 0, 0.6, 2.1] };
  const data = source.data.map((value, i) => {
    const [x, y] = [Math.floor(i / 3) % 20, Math.floor(i / 60)];
    return x >= 5 && x < 11 && y >= 6 && y < 12 ? value : 255 - value;
  });
  for (const border of ['constant', 'replicate'] as const) {
    const same = warp({ source: { ...source, data }, options: { ...options, border } });
    t.deepEqual(same, warp({ source, options: { ...options, border } }));
  }
});
