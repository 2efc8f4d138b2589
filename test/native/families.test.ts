import test, { type ExecutionContext } from 'ava';
import { loadNative, type DetectionSpec, type OutputShape } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { anyFamily, FAMILY_NAMES, type FamilyCase } from './family-cases.js';
import { Random } from './random.js';

const native = loadNative();

/** The rows of each picture of the batch. */
function decode({ spec, outputs, pictures, request }: FamilyCase): Float32Array[] {
  const detections = native.openDetections(
    spec,
    outputs.map(({ name, shape }) => ({ name, shape })),
  );
  const data = outputs.map((output) => output.data);
  return Array.from({ length: pictures }, (_, picture) => {
    const out = new Float32Array(detections.columns * request.maxDetections);
    return out.subarray(0, detections.decode(data, picture, request, out) * detections.columns);
  });
}

/** Compares with the oracle and returns the number of rows. */
function agrees(t: ExecutionContext, all: readonly FamilyCase[]): number {
  const tables = askOracle<Float64Array[]>('detections.py', { cases: all.flatMap(({ oracle }) => oracle) });
  let rows = 0;
  let at = 0;
  for (const [index, one] of all.entries()) {
    for (const [picture, found] of decode(one).entries()) {
      const expected = tables[at++]!;
      const shapes = one.outputs.map(({ name, shape }) => `${name} [${shape.join(',')}]`).join(' ');
      const what = `picture ${picture} of case ${index}: ${JSON.stringify({ ...one.spec, ...one.request })} ${shapes}`;
      t.is(found.length, expected.length, `values of ${what}`);
      const wrong = found.findIndex((value, i) => !(Math.abs(value - expected[i]!) <= 1e-5 * (1 + Math.abs(value))));
      t.is(wrong, -1, `${what}, value ${wrong}: ${found[wrong]} is not ${expected[wrong]}`);
      rows += found.length > 0 ? 1 : 0;
    }
  }
  return rows;
}

FAMILY_NAMES.forEach((family, index) => {
  test(`random outputs of ${family}, with ties and broken values, decode as the definition says`, (t) => {
    const random = new Random(300 + index);
    const all = Array.from({ length: 60 }, () =>
      anyFamily(random, family, random.integer(1, 70), random.integer(1, 70)),
    );
    t.true(agrees(t, all) > 25, 'pictures have detections');
  });
});

for (const family of ['centernet', 'retinaface', 'scrfd'] as const) {
  test(`of more candidates of ${family} than are suppressed, the best compete`, (t) => {
    const random = new Random(400);
    const one = anyFamily(random, family, 520, 480);
    const request = { ...one.request, scoreThreshold: 0, nmsThreshold: 0.7, maxDetections: 5000, classIds: null };
    agrees(t, [{ ...one, request, oracle: one.oracle.map((case_) => ({ ...case_, request })) }]);
  });
}

const SPEC: DetectionSpec = {
  task: '',
  width: 64,
  height: 32,
  strides: [],
  anchors: [],
  keyPoints: 0,
  logits: false,
  labels: 0,
  nmsRule: 'greedy',
  classAgnostic: false,
  maxDetections: 100,
};

/** Why these outputs are refused. */
function refusal(t: ExecutionContext, spec: Partial<DetectionSpec>, outputs: readonly OutputShape[]): string {
  const error = t.throws(() => native.openDetections({ ...SPEC, ...spec }, outputs));
  t.is((error as { code?: unknown } | undefined)?.code, 'MODEL_INVALID');
  return error?.message ?? '';
}

const output = (name: string, ...shape: number[]): OutputShape => ({ name, shape });

test('outputs that are one too many, one too few or misshapen are refused with the shapes', (t) => {
  const maps = [output('hm', 1, 8, 16), output('tlrb', 4, 8, 16), output('landmark', 10, 8, 16)];
  const expected = 'expected hm [1,1,8,16] tlrb [1,4,8,16] landmark [1,10,8,16], and pool_hm [1,1,8,16] or not, found';
  const found = (outputs: readonly OutputShape[]) => refusal(t, { task: 'dbface' }, outputs);
  t.true(found(maps.slice(1)).includes(`${expected} [1,4,8,16] [1,10,8,16]`));
  t.true(found([...maps, maps[0]!, maps[0]!]).includes(expected));
  // A square input of as many cells; and a name on an output of another shape, although one that fits is there.
  t.true(found(maps.map(({ name, shape }) => output(name, shape[0]!, 16, 8))).includes(expected));
  t.true(found([output('hm', 4, 8, 16), output('x', 1, 8, 16), maps[2]!]).includes(expected));
});

test('heads that two readings fit are told apart by name, else by order', (t) => {
  const boxes = Float32Array.of(0.5, 0.5, 0.5, 0.5);
  const scores = Float32Array.of(0, 0, 0.75, 0);
  const request = {
    matrix: [1, 0, 0, 0, 1, 0],
    scoreThreshold: 0.6,
    nmsThreshold: 0.5,
    maxDetections: 1,
    classIds: null,
  };
  const row = (names: readonly [string, string], data: readonly Float32Array[]) => {
    const found = native.openDetections(
      { ...SPEC, task: 'rtdetr' },
      names.map((name) => output(name, 1, 4)),
    );
    const out = new Float32Array(6);
    return [...out.subarray(0, 6 * found.decode(data, 0, request, out))];
  };
  const expected = [16, 8, 48, 24, 0.75, 2];
  t.deepEqual(row(['a', 'b'], [boxes, scores]), expected);
  t.deepEqual(row(['logits', 'pred_boxes'], [scores, boxes]), expected);
  t.deepEqual(row(['a', 'boxes'], [scores, boxes]), expected);
  t.deepEqual(row(['scores', 'b'], [scores, boxes]), expected);
});

test('no count of rows does harm, and it may come without a dimension', (t) => {
  const boxes = Float32Array.of(0, 0, 8, 8, 0, 0, 8, 8, 0, 0, 8, 8);
  const scores = Float32Array.of(0.9, 0.8, 0.7);
  const labels = Float32Array.of(0, 1, 2);
  const request = {
    matrix: [1, 0, 0, 0, 1, 0],
    scoreThreshold: 0,
    nmsThreshold: 0.1,
    maxDetections: 9,
    classIds: null,
  };
  for (const dims of [[1], []]) {
    const outputs = [output('n', ...dims), output('b', 3, 4), output('s', 3), output('l', 3)];
    const detections = native.openDetections({ ...SPEC, task: 'efficient_nms' }, outputs);
    const rows = (count: number) =>
      detections.decode([Float32Array.of(count), boxes, scores, labels], 0, request, new Float32Array(9 * 6));
    t.deepEqual([NaN, -Infinity, -1, -0, 0, 1, 2, 3, 4, 1e30, Infinity].map(rows), [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3]);
  }
});

test('a labels file of another length than the classes is refused', (t) => {
  const faces = [output('all', 84, 16)];
  t.regex(refusal(t, { task: 'retinaface', labels: 2 }, faces), /labels file has 2 lines, the model tells 1 class/);
  t.regex(refusal(t, { task: 'scrfd', labels: 2 }, [output('all', 84, 15)]), /labels file has 2 lines/);
  t.regex(refusal(t, { task: 'centernet', labels: 2 }, [output('all', 128, 10)]), /the model tells 3 classes/);
  t.regex(refusal(t, { task: 'rtdetr', labels: 2 }, [output('all', 9, 7)]), /the model tells 3 classes/);
  t.is(native.openDetections({ ...SPEC, task: 'retinaface', labels: 1 }, faces).columns, 16);
});

test('strides and anchors that make no priors are refused with what to change', (t) => {
  const faces = [output('all', 84, 16)];
  const why = (spec: Partial<DetectionSpec>) => refusal(t, { task: 'retinaface', ...spec }, faces);
  t.regex(why({ strides: [8, 16] }), /postprocess\.anchors needs a level for each of the 2 strides, not 3/);
  t.regex(why({ strides: [8], anchors: [[1, 2, 3]] }), /a level of postprocess\.anchors has 3 numbers; it needs pairs/);
  t.regex(why({ strides: [8], anchors: [[]] }), /needs 1 to 6 pairs of width and height/);
  t.regex(why({ strides: [1, 2, 3, 4, 5, 6, 7] }), /7 strides are too many; 6 is the most/);
  const huge = { width: 16384, height: 16384, strides: [1], anchors: [Array<number>(12).fill(1)] };
  t.regex(why(huge), /expected loc \[1,1610612736,4\]/);
  t.regex(
    why({ ...huge, strides: [1, 1], anchors: [huge.anchors[0]!, huge.anchors[0]!] }),
    /more priors than can be counted/,
  );
});
