import test from 'ava';
import { loadNative } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

test('peaks of heat maps are those of the highest cells, a quarter of a cell towards the higher side', (t) => {
  const random = new Random(41);
  const cases = Array.from({ length: 100 }, () => {
    const options = {
      points: random.integer(1, 20),
      rows: random.integer(1, 30),
      columns: random.integer(1, 30),
      strideX: random.pick([1, 4, 3.5]),
      strideY: random.pick([1, 4, 2]),
      refinement: random.pick(['none', 'quarter'] as const),
    };
    const maps = random.floats(options.points * options.rows * options.columns, -1, 1);
    // Few values, so that many are equal; and some that are none.
    for (let index = 0; index < maps.length; index++) {
      if (random.chance(0.4)) maps[index] = random.integer(-1, 1);
      if (random.chance(0.03)) maps[index] = NaN;
    }
    return { ...options, maps };
  });
  const answers = askOracle<Float64Array[]>('poses.py', { oracle: 'peaks', cases });
  for (const [index, { maps, ...options }] of cases.entries()) {
    t.deepEqual(native.findHeatPeaks(maps, options), Float32Array.from(answers[index]!), `case ${index}`);
  }
});

test('a map without a number has a point whose score is none', (t) => {
  const options = { points: 1, rows: 2, columns: 2, strideX: 4, strideY: 4, refinement: 'quarter' } as const;
  t.deepEqual(native.findHeatPeaks(new Float32Array(4).fill(NaN), options), Float32Array.of(0, 0, NaN));
});

test('poses are rows in the picture, and points that are not finite are told as none', (t) => {
  const random = new Random(42);
  const cases = Array.from({ length: 60 }, () => {
    const points = random.floats(3 * random.integer(1, 140), -50, 300);
    if (random.chance(0.5)) points[random.integer(0, points.length - 1)] = random.pick([NaN, Infinity, -Infinity]);
    const matrix = Array.from({ length: 6 }, () => random.real(-2, 2));
    return { points, matrix, box: random.floats(4, 0, 100) };
  });
  const answers = askOracle<Float64Array[]>('poses.py', { oracle: 'rows', cases });
  for (const [index, { points, matrix, box }] of cases.entries()) {
    const row = native.writePose(points, matrix, box);
    const want = answers[index]!;
    t.is(row.length, want.length);
    const wrong = row.findIndex((value, column) => !(Math.abs(value - want[column]!) <= 1e-3));
    t.is(wrong, -1, `case ${index}, column ${wrong}: ${row[wrong]} is not ${want[wrong]}`);
  }
});

test('what does not fit is refused by name', (t) => {
  const options = { points: 2, rows: 2, columns: 2, strideX: 4, strideY: 4, refinement: 'none' } as const;
  const message = (run: () => unknown) => t.throws(run, { instanceOf: RangeError })?.message ?? '';
  t.regex(
    message(() => native.findHeatPeaks(new Float32Array(7), options)),
    /maps has 7 values; 8 are needed/,
  );
  t.regex(
    message(() => native.writePose(new Float32Array(4), [1, 0, 0, 0, 1, 0], new Float32Array(4))),
    /points has 4/,
  );
  t.regex(
    message(() => native.writePose(new Float32Array(3), [1, 0, 0, 0, 1, 0], new Float32Array(3))),
    /box has 3/,
  );
});
