import type { DetectionRequest, DetectionSpec, OutputShape } from '../../server/runtime/native.js';
import type { Random } from './random.js';

/** A picture's outputs and what is asked of them. */
export interface DetectionCase {
  readonly spec: DetectionSpec;
  readonly outputs: readonly OutputShape[];
  readonly data: readonly Float32Array[];
  readonly request: DetectionRequest;
}

/** What a task's outputs look like. */
interface Family {
  readonly spec?: Partial<DetectionSpec>;
  readonly outputs: readonly OutputShape[];
  readonly data: readonly Float32Array[];
}

type MakeFamily = (random: Random) => Family;

/** Numbers that arithmetic goes wrong with. */
const BROKEN = [NaN, Infinity, -Infinity, 1e30, 0];

const RULES = ['fast', 'greedy'] as const;

export const MATRICES = [
  [1, 0, 0, 0, 1, 0],
  [2.5, 0, -31.25, 0, 2.5, 17.75],
  [0.3, 0, 5, 0, 0.7, -900],
  [0.8, -0.6, 10, 0.6, 0.8, -20],
] as const;

/** Scores of two decimals, which tie often. */
const score = (random: Random) => Math.round(random.real() * 100) / 100;

const logit = (random: Random) => Math.round(random.real(-4, 4) * 10) / 10;

/** Values of one row: where it is on the 64x32 input, as centre and size, then as many values as `others` makes. */
function place(random: Random, others: readonly number[]): number[] {
  return [random.real(0, 64), random.real(0, 32), random.real(1, 30), random.real(1, 30), ...others];
}

const many = (count: number, make: () => number) => Array.from({ length: count }, make);

/** Rows as one output, or their columns as one. */
function table(rows: readonly (readonly number[])[], columnsFirst: boolean): [OutputShape, Float32Array] {
  const [height, width] = [rows.length, rows[0]!.length];
  if (!columnsFirst) return [{ name: 'output0', shape: [height, width] }, Float32Array.from(rows.flat())];
  const data = new Float32Array(height * width);
  rows.forEach((row, y) => row.forEach((value, x) => (data[x * height + y] = value)));
  return [{ name: 'output0', shape: [width, height] }, data];
}

function oneTable(rows: readonly (readonly number[])[], spec: Partial<DetectionSpec>, columnsFirst = false): Family {
  const [shape, data] = table(rows, columnsFirst);
  return { spec, outputs: [shape], data: [data] };
}

/** Rows of all 42 cells that strides 8, 16 and 32 have, or of another number. */
function anchorFree(random: Random, spec: Partial<DetectionSpec>, behind: () => number[], cells = 42): Family {
  const classes = random.integer(1, 5);
  const make = spec.logits === true ? logit : score;
  const rows = Array.from({ length: cells }, () => place(random, [...many(classes, () => make(random)), ...behind()]));
  return oneTable(rows, spec, random.chance(0.5));
}

function withObjectness(random: Random, logits: boolean): Family {
  const make = () => (logits ? logit(random) : score(random));
  const classes = random.integer(1, 5);
  const rows = Array.from({ length: random.integer(1, 150) }, () => place(random, many(1 + classes, make)));
  const family = oneTable(rows, { logits });
  // Maps that were exported for training are passed over.
  if (random.chance(0.7)) return family;
  const [shape, data] = [{ name: 'p3', shape: [3, 4, 8, 6] }, new Float32Array(576)];
  return { ...family, outputs: [shape, ...family.outputs], data: [data, ...family.data] };
}

function raw(random: Random, spec: Partial<DetectionSpec>, anchors: number, cells: number): Family {
  const planes = 5 + random.integer(1, 4);
  const data = Float32Array.from({ length: anchors * planes * cells }, () => logit(random));
  return { spec, outputs: [{ name: 'output', shape: [anchors, planes, cells] }], data: [data] };
}

export function centerFace(random: Random, columns = 16, rows = 8): Family {
  const cells = columns * rows;
  const shape = (name: string, planes: number) => ({ name, shape: [planes, rows, columns] });
  return {
    spec: { width: columns * 4, height: rows * 4 },
    outputs: [shape('heat', 1), shape('scale', 2), shape('offset', 2), shape('landmarks', 10)],
    data: [
      Float32Array.from({ length: cells }, () => score(random)),
      random.floats(2 * cells, -1, 2),
      random.floats(2 * cells, 0, 1),
      random.floats(10 * cells, 0, 1),
    ],
  };
}

/** By the name of the task, after which a slash and something else may follow. */
export const FAMILIES: Readonly<Record<string, MakeFamily>> = {
  centerface: (random) => centerFace(random, random.integer(1, 14), random.integer(1, 14)),
  yolov5: (random) => withObjectness(random, false),
  'yolov5/logits': (random) => withObjectness(random, true),
  yolox: (random) => withObjectness(random, false),
  yolov5_raw: (random) => raw(random, {}, 3, 42),
  'yolov5_raw/anchors': (random) =>
    raw(
      random,
      {
        strides: [16, 8],
        anchors: [
          [9.5, 3, 8, 8],
          [1, 2, 20, 30],
        ],
      },
      2,
      40,
    ),
  yolox_raw: (random) => raw(random, {}, 1, 42),
  yolov8: (random) => anchorFree(random, {}, () => []),
  'yolov8/logits': (random) => anchorFree(random, { logits: true }, () => []),
  'yolov8/other cells': (random) => {
    const rows = Array.from({ length: 77 }, () =>
      place(
        random,
        many(3, () => score(random)),
      ),
    );
    return oneTable(rows, {}, random.chance(0.5));
  },
  yolov8_pose: (random) => anchorFree(random, {}, () => many(51, () => random.real(0, 64))),
  'yolov8_pose/pairs': (random) => {
    const rows = Array.from({ length: 42 }, () => place(random, [score(random), ...many(8, () => random.real())]));
    return oneTable(rows, { keyPoints: 4 }, true);
  },
  yolov8_seg: (random) => {
    const family = anchorFree(random, {}, () => many(8, () => random.real(-1, 1)));
    const shape = { name: 'output1', shape: [8, 8, 16] };
    return { ...family, outputs: [...family.outputs, shape], data: [...family.data, new Float32Array(1024)] };
  },
  yolov8_obb: (random) => anchorFree(random, {}, () => [random.real(-0.8, 2.4)]),
  yolov10: (random) => {
    const row = () => [
      ...place(random, [score(random)]),
      random.chance(0.1) ? random.real(-1, 80) : random.integer(0, 5),
    ];
    return oneTable(Array.from({ length: random.integer(1, 100) }, row), {});
  },
  'yolov10/points': (random) => {
    const values = random.pick([2, 3]);
    const row = () => [...place(random, [score(random), 0]), ...many(3 * values, () => random.real(0, 60))];
    return oneTable(Array.from({ length: 50 }, row), { keyPoints: 3 });
  },
};

/** The family's outputs, some values broken, with any request. */
export function anyCase(random: Random, name: string, family = FAMILIES[name]!(random), broken = 0.005): DetectionCase {
  const spoil = (value: number) => (random.chance(broken) ? random.pick(BROKEN) : value);
  return {
    spec: {
      task: name.split('/')[0]!,
      width: 64,
      height: 32,
      strides: [],
      anchors: [],
      keyPoints: 0,
      logits: false,
      labels: 0,
      nmsRule: random.pick(RULES),
      classAgnostic: random.chance(0.3),
      maxDetections: 5000,
      ...family.spec,
    },
    outputs: family.outputs,
    data: family.data.map((values) => values.map(spoil)),
    request: {
      matrix: random.pick(MATRICES),
      scoreThreshold: random.chance(0.2) ? random.real(-0.2, 0) : random.real(0, 0.9),
      nmsThreshold: random.real(),
      maxDetections: random.integer(0, 60),
      classIds: random.chance(0.3) ? many(random.integer(0, 3), () => random.integer(0, 5)) : null,
    },
  };
}
