import test, { type ExecutionContext } from 'ava';
import { loadNative } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { anyCase, centerFace, FAMILIES, type DetectionCase } from './detection-cases.js';
import { Random } from './random.js';

const native = loadNative();

function decode({ spec, outputs, data, request }: DetectionCase): Float32Array {
  const detections = native.openDetections(spec, outputs);
  const out = new Float32Array(detections.columns * request.maxDetections);
  return out.subarray(0, detections.decode(data, 0, request, out) * detections.columns);
}

/** Compares with the oracle and returns the number of rows. */
function agrees(t: ExecutionContext, all: readonly DetectionCase[]): number {
  const tables = askOracle<Float64Array[]>('detections.py', { cases: all });
  let values = 0;
  for (const [index, one] of all.entries()) {
    const found = decode(one);
    const expected = tables[index]!;
    const what = `case ${index}: ${JSON.stringify({ ...one.spec, ...one.request })}`;
    t.is(found.length, expected.length, `values of ${what}`);
    const wrong = found.findIndex((value, i) => !(Math.abs(value - expected[i]!) <= 1e-5 * (1 + Math.abs(value))));
    t.is(wrong, -1, `${what}, value ${wrong}: ${found[wrong]} is not ${expected[wrong]}`);
    values += found.length;
  }
  return values;
}

Object.keys(FAMILIES).forEach((name, index) => {
  test(`random outputs of ${name}, with ties and broken values, decode as the definition says`, (t) => {
    const random = new Random(100 + index);
    const values = agrees(
      t,
      Array.from({ length: 120 }, () => anyCase(random, name)),
    );
    t.true(values > 1000, 'the cases have detections');
  });
});

test('maps where every cell is a candidate decode the best 4096', (t) => {
  const random = new Random(13);
  const all = (['fast', 'greedy'] as const).map((nmsRule) => {
    const { spec, request, ...one } = anyCase(random, 'centerface', centerFace(random, 90, 60));
    const everything = { scoreThreshold: -1, nmsThreshold: 0.3, maxDetections: 5000, classIds: null };
    return { ...one, spec: { ...spec, nmsRule }, request: { ...request, ...everything } };
  });
  agrees(t, all);
});

test('rows that nothing suppresses are the best 4096 at most', (t) => {
  const random = new Random(14);
  const data = Float32Array.from({ length: 5000 * 6 }, (_, i) => (i % 6 < 4 ? i : i % 6 === 4 ? random.real() : 7));
  const family = { outputs: [{ name: 'output0', shape: [5000, 6] }], data: [data] };
  const one = anyCase(random, 'yolov10', family, 0);
  const request = { ...one.request, scoreThreshold: 0, maxDetections: 5000, classIds: null };
  t.is(agrees(t, [{ ...one, request }]), 4096 * 6);
});

test('each picture of a batch is decoded from its own part of the outputs', (t) => {
  const random = new Random(15);
  for (const name of Object.keys(FAMILIES)) {
    const one = anyCase(random, name);
    const request = { ...one.request, scoreThreshold: 0.1, maxDetections: 50, classIds: null };
    const detections = native.openDetections(one.spec, one.outputs);
    const batch = one.data.map((values) => Float32Array.from([...values].fill(NaN).concat(...values)));
    const out = new Float32Array(detections.columns * 50);
    t.is(detections.decode(batch, 0, request, out), 0, name);
    const rows = detections.decode(batch, 1, request, out);
    t.deepEqual(out.subarray(0, rows * detections.columns), decode({ ...one, request }), name);
  }
});

test('boxes that reach beyond the picture are not clipped', (t) => {
  const one: DetectionCase = {
    ...anyCase(
      new Random(16),
      'centerface',
      {
        spec: { width: 4, height: 4, nmsRule: 'fast' },
        outputs: centerFace(new Random(1), 1, 1).outputs,
        data: [
          Float32Array.of(0.75),
          Float32Array.of(Math.log(10), Math.log(20)),
          Float32Array.of(0, 0.5),
          Float32Array.of(0, 0, 1, 1, 0.5, 0.5, 0.25, 0.75, -1, 2),
        ],
      },
      0,
    ),
    request: {
      matrix: [2, 0, 100, 0, 2, 200],
      scoreThreshold: 0.5,
      nmsThreshold: 0.3,
      maxDetections: 1,
      classIds: null,
    },
  };
  // Centre (4, 2), 80 wide and 40 high, in network pixels.
  const box = [-36, -18, 44, 22];
  const points = [-36, -18, 44, 22, 4, 2, 24, -8, 124, -58];
  const mapped = (values: number[]) => values.map((value, i) => 2 * value + (i % 2 === 0 ? 100 : 200));
  const found = [...decode(one)];
  const expected = [...mapped(box), 0.75, 0, ...mapped(points)];
  t.is(found.length, expected.length);
  for (const [i, value] of expected.entries()) t.true(Math.abs(found[i]! - value) < 1e-4, `${i}: ${found[i]} ${value}`);
  t.is(decode({ ...one, request: { ...one.request, scoreThreshold: 0.75 } }).length, 0, 'the score must be above');
  t.is(decode({ ...one, request: { ...one.request, classIds: [1, 70_000, 4e9] } }).length, 0, 'another class');
  t.is(decode({ ...one, request: { ...one.request, classIds: [1, 0] } }).length, expected.length);
});

test('a box that overflows in the picture suppresses others and is not told', (t) => {
  const rows = Float32Array.of(3e38, 5, 4, 4, 0.9, 1, 10, 10, 4, 4, 0.8, 1, 10, 10, 4, 4, 0.7, 1);
  const one = anyCase(new Random(17), 'yolov5', { outputs: [{ name: 'output', shape: [3, 6] }], data: [rows] }, 0);
  const request = {
    ...one.request,
    matrix: [2, 0, 0, 0, 2, 0],
    scoreThreshold: 0.5,
    nmsThreshold: 0.5,
    classIds: null,
  };
  t.deepEqual(
    [...decode({ ...one, request: { ...request, maxDetections: 1 } })],
    [16, 16, 24, 24, Math.fround(0.8), 0],
  );
});

test('a box is turned with the picture', (t) => {
  // 8 x 4 around (10, 20), turned by a quarter; the matrix turns it by another quarter and doubles it.
  const values = Float32Array.of(10, 20, 8, 4, 0.9, Math.PI / 2);
  const family = {
    spec: { width: 8, height: 8, strides: [8] },
    outputs: [{ name: 'output0', shape: [6, 1] }],
    data: [values],
  };
  const one = anyCase(new Random(18), 'yolov8_obb', family, 0);
  const matrix = [0, -2, 100, 2, 0, 0];
  const found = decode({
    ...one,
    request: { ...one.request, matrix, scoreThreshold: 0.5, maxDetections: 1, classIds: null },
  });
  const expected = [52, 16, 68, 24, 0.9, 0, 60, 20, 16, 8, Math.PI];
  for (const [i, value] of expected.entries()) {
    const off = i === 10 ? Math.abs(Math.abs(found[i]!) - value) : Math.abs(found[i]! - value);
    t.true(off < 1e-4, `${i}: ${found[i]} ${value}`);
  }
});
