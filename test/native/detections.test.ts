import test, { type ExecutionContext } from 'ava';
import { type CenterFaceOptions, loadNative, type NmsOptions } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

interface NmsCase {
  readonly boxes: Float32Array;
  readonly options: NmsOptions;
}

interface CenterFaceCase {
  readonly heat: Float32Array;
  readonly scale: Float32Array;
  readonly offset: Float32Array;
  readonly landmarks: Float32Array;
  readonly options: CenterFaceOptions;
}

const COLUMNS = 15;
const RULES = ['fast', 'greedy'] as const;

/** Boxes at whole pixels with few scores and classes: many ties, many equal boxes. */
function anyNms(random: Random): NmsCase {
  const rows = Array.from({ length: random.integer(0, 60) }, () => {
    const [left, top] = [random.integer(0, 20), random.integer(0, 20)];
    const row = [left, top, left + random.integer(-1, 15), top + random.integer(-1, 15), random.integer(0, 6) / 7];
    row.push(random.integer(0, 2));
    if (random.chance(0.05)) row[random.integer(0, 5)] = random.pick([NaN, Infinity, -Infinity]);
    return row;
  });
  const options = { rule: random.pick(RULES), iouThreshold: random.real() };
  return { boxes: Float32Array.from(rows.flat()), options };
}

function anyFaces(random: Random, columns: number, rows: number): CenterFaceCase {
  const cells = columns * rows;
  const broken = (map: Float32Array) =>
    map.map((value) => (random.chance(0.01) ? random.pick([NaN, Infinity, -Infinity, 1e30]) : value));
  // Scores of two decimals tie often.
  const heat = random.floats(cells, 0, 1).map((score) => Math.round(score * 100) / 100);
  return {
    heat: broken(heat),
    scale: broken(random.floats(2 * cells, -1, 2)),
    offset: broken(random.floats(2 * cells, 0, 1)),
    landmarks: broken(random.floats(10 * cells, 0, 1)),
    options: {
      columns,
      rows,
      scoreThreshold: random.real(-0.2, 1),
      nms: { rule: random.pick(RULES), iouThreshold: random.real() },
      maxDetections: random.integer(0, 40),
      matrix: random.pick([
        [1, 0, 0, 0, 1, 0],
        [2.5, 0, -31.25, 0, 2.5, 17.75],
        [0.3, 0, 5, 0, 0.7, -900],
        [0.8, -0.6, 10, 0.6, 0.8, -20],
      ]),
    },
  };
}

function decode(one: CenterFaceCase): Float32Array {
  const out = new Float32Array(COLUMNS * one.options.maxDetections);
  const rows = native.decodeCenterFace(one.heat, one.scale, one.offset, one.landmarks, one.options, out);
  return out.subarray(0, rows * COLUMNS);
}

function agrees(t: ExecutionContext, all: readonly CenterFaceCase[]): void {
  const tables = askOracle<Float64Array[]>('detections.py', { oracle: 'centerface', cases: all });
  for (const [index, one] of all.entries()) {
    const found = decode(one);
    const expected = tables[index]!;
    t.is(found.length, expected.length, `rows of case ${index}: ${JSON.stringify(one.options)}`);
    const wrong = found.findIndex((value, i) => !(Math.abs(value - expected[i]!) <= 1e-5 * (1 + Math.abs(value))));
    t.is(wrong, -1, `case ${index}, value ${wrong}: ${found[wrong]} is not ${expected[wrong]}`);
  }
}

test('random boxes with ties and broken values are suppressed as the rules say', (t) => {
  const random = new Random(11);
  const all = Array.from({ length: 300 }, () => anyNms(random));
  const kept = askOracle<Uint32Array[]>('detections.py', { oracle: 'nms', cases: all });
  for (const [index, one] of all.entries()) {
    t.deepEqual(native.nms(one.boxes, one.options), kept[index], `case ${index}: ${JSON.stringify(one.options)}`);
  }
});

test('a suppressed box suppresses others under the fast rule only', (t) => {
  // Each overlaps the next by a half, the first and the last do not meet.
  const chain = Float32Array.of(0, 0, 9, 9, 0.9, 0, 3, 0, 12, 9, 0.8, 0, 9, 0, 18, 9, 0.7, 0);
  t.deepEqual([...native.nms(chain, { rule: 'fast', iouThreshold: 0.15 })], [0]);
  t.deepEqual([...native.nms(chain, { rule: 'greedy', iouThreshold: 0.15 })], [0, 2]);
});

test('a box that overlaps by exactly the threshold stays', (t) => {
  const half = Float32Array.of(0, 0, 2, 1, 0.9, 0, 0, 0, 1, 1, 0.8, 0);
  for (const rule of RULES) {
    t.deepEqual([...native.nms(half, { rule, iouThreshold: 0.5 })], [0, 1]);
    t.deepEqual([...native.nms(half, { rule, iouThreshold: 0.4999 })], [0]);
  }
});

test('of equal boxes with equal scores the first stays', (t) => {
  const equal = Float32Array.of(0, 0, 4, 4, 0.5, 1, 0, 0, 4, 4, 0.5, 1, 0, 0, 4, 4, 0.5, 2);
  for (const rule of RULES) t.deepEqual([...native.nms(equal, { rule, iouThreshold: 0.5 })], [0, 2]);
});

test('no boxes give no indices', (t) => {
  for (const rule of RULES) t.is(native.nms(new Float32Array(0), { rule, iouThreshold: 0.5 }).length, 0);
});

test('random CenterFace maps with ties and broken values decode as the definition says', (t) => {
  const random = new Random(12);
  agrees(
    t,
    Array.from({ length: 200 }, () => anyFaces(random, random.integer(1, 14), random.integer(1, 14))),
  );
});

test('a map where every cell is a candidate decodes the best 4096', (t) => {
  const random = new Random(13);
  const all = RULES.map((rule) => {
    const one = anyFaces(random, 90, 60);
    const options = { ...one.options, scoreThreshold: -1, nms: { rule, iouThreshold: 0.3 }, maxDetections: 5000 };
    return { ...one, options };
  });
  agrees(t, all);
});

test('boxes that reach beyond the picture are not clipped', (t) => {
  const one: CenterFaceCase = {
    heat: Float32Array.of(0.75),
    scale: Float32Array.of(Math.log(10), Math.log(20)),
    offset: Float32Array.of(0, 0.5),
    landmarks: Float32Array.of(0, 0, 1, 1, 0.5, 0.5, 0.25, 0.75, -1, 2),
    options: {
      columns: 1,
      rows: 1,
      scoreThreshold: 0.5,
      nms: { rule: 'fast', iouThreshold: 0.3 },
      maxDetections: 1,
      matrix: [2, 0, 100, 0, 2, 200],
    },
  };
  // Centre (4, 2), 80 wide and 40 high, in network pixels.
  const box = [-36, -18, 44, 22];
  const points = [-36, -18, 44, 22, 4, 2, 24, -8, 124, -58];
  const mapped = (values: number[]) => values.map((value, i) => 2 * value + (i % 2 === 0 ? 100 : 200));
  const found = [...decode(one)];
  const expected = [...mapped(box), 0.75, ...mapped(points)];
  t.is(found.length, expected.length);
  for (const [i, value] of expected.entries()) t.true(Math.abs(found[i]! - value) < 1e-4, `${i}: ${found[i]} ${value}`);
  t.is(decode({ ...one, options: { ...one.options, scoreThreshold: 0.75 } }).length, 0, 'the score must be above');
});
