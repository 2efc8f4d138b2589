import test from 'ava';
import { loadNative } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

/** Of a 112x112 crop. */
const TEMPLATE = Float32Array.of(
  38.2946,
  51.6963,
  73.5318,
  51.5014,
  56.0252,
  71.7366,
  41.5493,
  92.3655,
  70.7299,
  92.2041,
);

test('rows become unit vectors; zeros and broken rows stay', (t) => {
  const random = new Random(21);
  const all = Array.from({ length: 60 }, () => {
    const rows = random.integer(1, 8);
    const length = random.integer(1, 600);
    const scale = 10 ** random.real(-30, 30);
    const values = random.floats(rows * length, -scale, scale);
    if (random.chance(0.3)) values.fill(0, 0, length);
    if (random.chance(0.3)) values[random.integer(0, values.length - 1)] = random.pick([NaN, Infinity]);
    return { values, rows };
  });
  const expected = askOracle<Float64Array[]>('vectors.py', { oracle: 'l2', cases: all });
  for (const [index, { values, rows }] of all.entries()) {
    const out = values.slice();
    native.l2Normalize(out, rows);
    const want = Float32Array.from(expected[index]!);
    const wrong = out.findIndex((value, i) => !Object.is(value, want[i]) && !(Math.abs(value - want[i]!) <= 1e-7));
    t.is(wrong, -1, `case ${index}, value ${wrong}: ${out[wrong]} is not ${want[wrong]}`);
  }
});

test('no rows are normalised to no rows', (t) => {
  t.notThrows(() => native.l2Normalize(new Float32Array(0), 0));
  t.notThrows(() => native.l2Normalize(new Float32Array(0), 3));
});

test('landmarks anywhere are aligned as least squares does it', (t) => {
  const random = new Random(22);
  const all = Array.from({ length: 100 }, () => ({
    landmarks: random.floats(10, random.real(-500, 500), random.real(-500, 500)),
    template: random.chance(0.5) ? TEMPLATE : random.floats(10, 0, 112),
  }));
  const expected = askOracle<Float64Array[]>('vectors.py', { oracle: 'similarity', cases: all });
  for (const [index, { landmarks, template }] of all.entries()) {
    const matrix = native.alignFivePoints(landmarks, template);
    const want = expected[index]!;
    const size = Math.max(...want.map(Math.abs));
    const wrong = matrix.findIndex((value, i) => !(Math.abs(value - want[i]!) <= 1e-7 * size));
    t.is(wrong, -1, `case ${index}: ${matrix.join(' ')} is not ${want.join(' ')}`);
  }
});

test('a moved, turned and scaled template is found again', (t) => {
  const random = new Random(23);
  for (let i = 0; i < 50; i++) {
    const angle = random.real(-3, 3);
    const scale = random.real(0.2, 9);
    const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    const [x, y] = [random.real(-100, 2000), random.real(-100, 2000)];
    const landmarks = TEMPLATE.map((value, k) => {
      const [u, v] = k % 2 === 0 ? [value, TEMPLATE[k + 1]!] : [TEMPLATE[k - 1]!, value];
      return k % 2 === 0 ? a * u - b * v + x : b * u + a * v + y;
    });
    const matrix = native.alignFivePoints(landmarks, TEMPLATE);
    for (const [k, value] of [a, -b, x, b, a, y].entries()) t.true(Math.abs(matrix[k]! - value) < 1e-2);
  }
});

test('points that determine no alignment are refused', (t) => {
  const point = Float32Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 33.3 : 44.4));
  const broken = TEMPLATE.map((value, i) => (i === 3 ? NaN : value));
  const refused = (landmarks: Float32Array, template: Float32Array, message: RegExp) =>
    t.throws(() => native.alignFivePoints(landmarks, template), { instanceOf: RangeError, message });
  refused(point, TEMPLATE, /landmarks: all five points are one/);
  refused(TEMPLATE, point, /template: all five points are one/);
  refused(broken, TEMPLATE, /landmarks: point 1 is not finite/);
  refused(TEMPLATE, broken, /template: point 1 is not finite/);
  refused(TEMPLATE.subarray(2), TEMPLATE, /landmarks has 8 values/);
  // A square with its middle and its mirror image: every rotation fits equally badly.
  const square = Float32Array.of(-1, -1, 1, -1, 0, 0, -1, 1, 1, 1);
  const mirrored = square.map((value, i) => (i % 2 === 0 ? -value : value));
  refused(square, mirrored, /no rotation and scale/);
});
