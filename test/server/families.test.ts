import test, { type ExecutionContext } from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { all } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { constantModel, type ConstantOutput } from '../support/constant-models.js';
import { Operator } from '../support/operator.js';
import { plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';

/** An object as a model should tell it: left top right bottom score class, then x y of its points. */
type Expected = readonly number[];

interface Family {
  readonly config: object;
  readonly width: number;
  readonly height: number;
  readonly outputs: readonly ConstantOutput[];
  readonly expected: readonly Expected[];
  /** The reason that is told of the model when its first output is [1,1] for each picture. */
  readonly misfit: RegExp;
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));

/** A table of `rows` rows that are all `background` but some. */
function table(
  rows: number,
  background: readonly number[],
  some: Readonly<Record<number, readonly number[]>>,
): number[] {
  return Array.from({ length: rows }, (_, row) => some[row] ?? background).flat();
}

/** Planes of cells that are all 0 but one cell. */
function planes(cells: number, cell: number, values: readonly number[]): number[] {
  return values.flatMap((value) => Array.from({ length: cells }, (_, index) => (index === cell ? value : 0)));
}

/** 8x8 cells. The better class of cell 19 is no peak; cell 54 is one of both classes. */
const centernet: Family = {
  config: { task: 'centernet' },
  width: 32,
  height: 32,
  outputs: [
    {
      name: 'output',
      shape: [64, 8],
      values: table(64, [0, 0, 1, 1, -9, -9, -8, -8], {
        19: [0.5, 0.25, 2, 4, 3, 2, 4, 2],
        54: [0, 0, 1, 1, 1.5, 1, 1.5, 1],
      }),
    },
  ],
  expected: [
    [10, 1, 18, 17, sigmoid(2), 1],
    [22, 22, 26, 26, sigmoid(1.5), 0],
    [22, 22, 26, 26, sigmoid(1), 1],
  ],
  misfit: /do not fit task centernet: expected \[1,64,4\+2\*C\], found \[1,1,1\]/,
};

/** 16x8 cells: a face at column 10 of row 5, whose x run from 0.4 * e to e^2 cells beyond. */
const FACE = 5 * 16 + 10;
const dbface: Family = {
  config: { task: 'dbface' },
  width: 64,
  height: 32,
  outputs: [
    { name: 'landmark', shape: [10, 8, 16], values: planes(128, FACE, [0.1, -0.1, 0, 0.5, -0.5, 0, 0, 0, 0, 0]) },
    { name: 'pool_hm', shape: [1, 8, 16], values: Array(128).fill(0.9) },
    { name: 'tlrb', shape: [4, 8, 16], values: planes(128, FACE, [1, 2, 3, 1]) },
    { name: 'hm', shape: [1, 8, 16], values: planes(128, FACE, [0.9]) },
  ],
  expected: [
    [
      36,
      12,
      52,
      24,
      0.9,
      0,
      ...[0.4 * Math.E, -0.4 * Math.E, 0, Math.E ** 2, -(Math.E ** 2)].flatMap((x) => [4 * (10 + x), 20]),
    ],
  ],
  misfit:
    /do not fit task dbface: expected hm \[1,1,8,16\] tlrb \[1,4,8,16\] landmark \[1,10,8,16\], and pool_hm .*, found \[1,1,1\]/,
};

/** Without `pool_hm`, and under names that say nothing. */
const dbfaceSmall: Family = {
  ...dbface,
  outputs: [dbface.outputs[3]!, dbface.outputs[2]!, dbface.outputs[0]!].map((output, index) => ({
    ...output,
    name: `out${index}`,
  })),
  misfit: /do not fit task dbface: expected hm/,
};

const rtdetr: Family = {
  config: { task: 'rtdetr', preprocess: { resize: 'stretch' }, postprocess: { score_threshold: 0.5 } },
  width: 64,
  height: 32,
  outputs: [
    {
      name: 'output0',
      shape: [3, 7],
      values: [0.5, 0.5, 0.5, 0.25, 0.1, 0.8, 0.7, 0.5, 0.5, 0.5, 0.25, 0.6, 0.6, 0.1, 0, 0, 0, 0, 0.4, 0.4, 0.4],
    },
  ],
  expected: [
    [16, 12, 48, 20, 0.8, 1],
    [16, 12, 48, 20, 0.6, 0],
  ],
  misfit: /do not fit task rtdetr: expected \[1,Q,4\+C\], or boxes \[1,Q,4\] scores \[1,Q,C\], found \[1,1,1\]/,
};

const rtdetrLogits: Family = {
  ...rtdetr,
  config: { ...rtdetr.config, postprocess: { score_activation: 'sigmoid', score_threshold: 0.5 } },
  outputs: [
    { name: 'pred_logits', shape: [2, 4], values: [-1, 2, 1, 0, -3, -3, -3, -3] },
    { name: 'pred_boxes', shape: [2, 4], values: [0.5, 0.5, 0.5, 0.25, 0, 0, 1, 1] },
  ],
  expected: [[16, 12, 48, 20, sigmoid(2), 1]],
  misfit: /do not fit task rtdetr/,
};

/** What lies behind the count of two is better than all. */
const efficientNms: Family = {
  config: { task: 'efficient_nms' },
  width: 64,
  height: 32,
  outputs: [
    { name: 'num_dets', shape: [1], values: [2], type: DataType.INT32 },
    { name: 'bboxes', shape: [3, 4], values: [1, 2, 3, 4, 1, 2, 3, 4.5, 0, 0, 9, 9] },
    { name: 'scores', shape: [3], values: [0.75, 0.625, 1] },
    { name: 'labels', shape: [3], values: [70, 3, 5], type: DataType.INT64 },
  ],
  expected: [
    [1, 2, 3, 4, 0.75, 70],
    [1, 2, 3, 4.5, 0.625, 3],
  ],
  misfit:
    /do not fit task efficient_nms: expected num_dets \[1,1\] boxes \[1,K,4\] scores \[1,K\] labels \[1,K\], found/,
};

/** 42 priors; the 36th is that of 128 pixels around (24, 8). */
const LOC = [0.25, -0.5, 0, Math.log(0.25) / 0.2];
const FACE_POINTS = [0, 0, 1, 1, -1, -1, 0.5, 0.25, 2, 0];
const retinaface: Family = {
  config: { task: 'retinaface' },
  width: 32,
  height: 32,
  outputs: [
    {
      name: 'output',
      shape: [42, 16],
      values: table(42, Array(16).fill(0), { 35: [...LOC, -1, 2, ...FACE_POINTS] }),
    },
  ],
  expected: [
    [
      27.2 - 64,
      1.6 - 16,
      27.2 + 64,
      1.6 + 16,
      sigmoid(3),
      0,
      ...FACE_POINTS.map((value, index) => (index % 2 === 0 ? 24 : 8) + value * 12.8),
    ],
  ],
  misfit:
    /do not fit task retinaface: expected loc \[1,42,4\] conf \[1,42,2\] landms \[1,42,10\], or output \[1,42,16\], found/,
};

const retinafaceParts: Family = {
  ...retinaface,
  outputs: [
    { name: 'a', shape: [42, 2], values: table(42, [1, 0], { 35: [0.25, 0.75] }) },
    { name: 'b', shape: [42, 10], values: table(42, Array(10).fill(0), { 35: FACE_POINTS }) },
    { name: 'c', shape: [42, 4], values: table(42, Array(4).fill(0), { 35: LOC }) },
  ],
  expected: retinaface.expected.map((values) => [...values.slice(0, 4), 0.75, ...values.slice(5)]),
};

/** 32 + 8 + 2 priors; the 38th is the second of cell (0, 1) at stride 16. */
const scrfd: Family = {
  config: { task: 'scrfd' },
  width: 32,
  height: 32,
  outputs: [32, 8, 2].flatMap((rows) => {
    const only = (values: number[]) => table(rows, Array(values.length).fill(0), rows === 8 ? { 5: values } : {});
    return [
      { name: `kps${rows}`, shape: [rows, 10], values: only(FACE_POINTS) },
      { name: `score${rows}`, shape: [rows, 1], values: only([0.9]) },
      { name: `box${rows}`, shape: [rows, 4], values: only([0.25, 0.5, 1, 2]) },
    ];
  }),
  expected: [[-4, 8, 16, 48, 0.9, 0, ...FACE_POINTS.map((value, index) => (index % 2 === 0 ? 0 : 16) + value * 16)]],
  misfit: /do not fit task scrfd: expected score_8 \[1,32,1\] .*, the same without kps, or output \[1,42,15\], found/,
};

const scrfdBoxes: Family = {
  ...scrfd,
  outputs: scrfd.outputs.filter(({ name }) => !name.startsWith('kps')),
  expected: scrfd.expected.map((values) => values.slice(0, 6)),
};

const scrfdMerged: Family = {
  ...scrfd,
  outputs: [
    {
      name: 'output',
      shape: [42, 15],
      values: table(42, [0, 0, 0, 0, -9, ...Array<number>(10).fill(0)], { 37: [0.25, 0.5, 1, 2, 2, ...FACE_POINTS] }),
    },
  ],
  expected: scrfd.expected.map((values) => [...values.slice(0, 4), sigmoid(2), ...values.slice(5)]),
};

const FAMILIES: Readonly<Record<string, Family>> = {
  centernet,
  dbface,
  'dbface-small': dbfaceSmall,
  rtdetr,
  'rtdetr-logits': rtdetrLogits,
  'efficient-nms': efficientNms,
  retinaface,
  'retinaface-parts': retinafaceParts,
  scrfd,
  'scrfd-boxes': scrfdBoxes,
  'scrfd-merged': scrfdMerged,
};

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    for (const [name, { config, width, height, outputs }] of Object.entries(FAMILIES)) {
      const full = { input: { width, height }, instance_group: { count: 1 }, ...config };
      await repository.addModel(name, full, constantModel(width, height, outputs));
      const [first, ...others] = outputs;
      const misfit = constantModel(width, height, [{ name: first!.name, shape: [1, 1], values: [1] }, ...others]);
      await repository.addModel(`${name}-misfit`, full, misfit);
    }
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Both pictures of a stream, which may share a batch, have these objects. */
async function tells(t: ExecutionContext, model: string, { width, height, expected }: Family): Promise<void> {
  const frame = { picture: plain(width, height, [90, 60, 30]) };
  const answers = await all(serving.client.detect([frame, frame], { model }));
  t.is(answers.length, 2);
  for (const { frame: result, detections } of answers) {
    t.is(result?.error, undefined);
    t.is(detections.length, expected.length);
    detections.forEach(({ box, score, classId, landmarks }, index) => {
      const points = landmarks.flatMap(({ x, y }) => [x, y]);
      const found = [box!.left, box!.top, box!.right, box!.bottom, score, classId, ...points];
      closeTo(t, found, expected[index]!, 1e-4, `object ${index} of ${model}`);
    });
  }
}

for (const [name, family] of Object.entries(FAMILIES)) {
  test(`${name}: what its outputs say is what is detected`, (t) => tells(t, name, family));

  test(`${name}: outputs of other shapes are named when the model is loaded`, async (t) => {
    using operator = await Operator.of(serving.server);
    const [reason = ''] = await operator.reasons(`${name}-misfit`);
    t.regex(reason, family.misfit);
  });
}
