import test from 'ava';
import { loadNative, type NmsOptions } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

interface NmsCase {
  readonly boxes: Float32Array;
  readonly options: NmsOptions;
}

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

test('random boxes with ties and broken values are suppressed as the rules say', (t) => {
  const random = new Random(11);
  const all = Array.from({ length: 300 }, () => anyNms(random));
  const kept = askOracle<Uint32Array[]>('nms.py', { cases: all });
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
