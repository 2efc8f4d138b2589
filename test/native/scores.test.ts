import test from 'ava';
import { loadNative } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

/** Index of the first value that is not what it should be; -1: there is none. */
function firstWrong(values: Float32Array, expected: Float64Array, tolerance: number): number {
  return values.findIndex((value, index) => {
    const wanted = Math.fround(expected[index]!);
    return !Object.is(value, wanted) && !(Math.abs(value - wanted) <= tolerance);
  });
}

test('scores become probabilities, however large they are', (t) => {
  const random = new Random(41);
  const cases = Array.from({ length: 80 }, () => {
    const rows = random.integer(1, 6);
    const length = random.integer(1, 1200);
    const scale = random.pick([0.01, 1, 10, 1000, 3e38]);
    const values = random.floats(rows * length, -scale, scale);
    if (random.chance(0.2)) values[random.integer(0, values.length - 1)] = random.pick([-Infinity, Infinity, NaN]);
    const oracle: 'softmax' | 'sigmoid' = random.pick(['softmax', 'sigmoid']);
    return { oracle, rows, values };
  });
  const expected = askOracle<Float64Array[]>('scores.py', { cases });
  cases.forEach(({ oracle, rows, values }, index) => {
    const out = values.slice();
    native.activate(out, rows, oracle);
    const wrong = firstWrong(out, expected[index]!, 6e-8);
    t.is(wrong, -1, `case ${index}, ${oracle}, value ${wrong}: ${out[wrong]} is not ${expected[index]![wrong]}`);
  });
});

test('the vectors of tokens become those of texts', (t) => {
  const random = new Random(42);
  const cases = Array.from({ length: 60 }, () => {
    const [rows, length, width] = [random.integer(1, 6), random.integer(1, 40), random.integer(1, 400)];
    const oracle: 'cls' | 'mean' = random.pick(['cls', 'mean']);
    const tokens = Array.from({ length: rows }, () => random.integer(1, length));
    return { oracle, length, tokens, width, values: random.floats(rows * length * width, -3, 3) };
  });
  const expected = askOracle<Float64Array[]>('scores.py', { cases });
  cases.forEach(({ oracle, length, tokens, width, values }, index) => {
    const out = new Float32Array(tokens.length * width);
    native.poolTokens(values, length, Int32Array.from(tokens), oracle, out);
    const wrong = firstWrong(out, expected[index]!, 3e-7);
    t.is(wrong, -1, `case ${index}, ${oracle}, value ${wrong}: ${out[wrong]} is not ${expected[index]![wrong]}`);
  });
});

test('arguments that do not fit together are refused', (t) => {
  const floats = new Float32Array(12);
  t.throws(() => native.activate(floats, 5, 'softmax'), { instanceOf: RangeError, message: /12 values, which 5 rows/ });
  t.throws(() => native.activate(floats, -1, 'softmax'), { instanceOf: RangeError });
  t.throws(() => native.activate(floats, 1, 'max' as 'softmax'), {
    instanceOf: TypeError,
    message: /activation must be/,
  });
  const pool = (length: number, tokens: number[], out: number) =>
    native.poolTokens(floats, length, Int32Array.from(tokens), 'mean', new Float32Array(out));
  t.notThrows(() => pool(3, [3, 1], 4));
  for (const [length, tokens, out] of [
    [3, [4, 1], 4],
    [3, [0, 1], 4],
    [0, [1, 1], 4],
    [4, [1, 1], 4],
    [3, [], 4],
    [3, [1, 1], 5],
  ] as const) {
    t.throws(() => pool(length, [...tokens], out), { instanceOf: RangeError }, JSON.stringify([length, tokens, out]));
  }
});
