import type { DetectionRequest, DetectionSpec, OutputShape } from '../../server/runtime/native.js';
import type { Random } from './random.js';

export interface FamilyOutput extends OutputShape {
  /** Of all pictures. */
  readonly data: Float32Array;
}

/** A family's outputs for a few pictures, and what is asked of each. */
export interface FamilyCase {
  readonly spec: DetectionSpec;
  readonly outputs: readonly FamilyOutput[];
  readonly pictures: number;
  readonly request: DetectionRequest;
  /** The same as test/oracle/families.py takes it, for each picture. */
  readonly oracle: readonly object[];
}

/** A part of the outputs: rows of `columns` values, or planes where `shape` says so. */
interface Part {
  readonly name: string;
  readonly shape: readonly number[];
  readonly pictures: readonly Float32Array[];
}

interface Drawn {
  /** In the order of the oracle. */
  readonly parts: readonly Part[];
  readonly outputs: readonly FamilyOutput[];
  /** Whether the scores are logits, which depends on how the outputs are laid out, too. */
  readonly logits: boolean;
}

interface Setting {
  readonly random: Random;
  readonly spec: DetectionSpec;
  readonly pictures: number;
}

const cells = (pixels: number, stride: number) => Math.ceil(pixels / stride);

const MATRICES = [
  [1, 0, 0, 0, 1, 0],
  [2.5, 0, -31.25, 0, 2.5, 17.75],
  [0.3, 0, 5, 0, 0.7, -900],
  [0.8, -0.6, 10, 0.6, 0.8, -20],
];

/** Values of few levels tie often, and some are broken. */
function values(random: Random, length: number, low: number, high: number, broken = 0.01): Float32Array {
  return Float32Array.from({ length }, () =>
    random.chance(broken) ? random.pick([NaN, Infinity, -Infinity]) : Math.round(random.real(low, high) * 16) / 16,
  );
}

function part(setting: Setting, name: string, shape: readonly number[], low: number, high: number): Part {
  const length = shape.reduce((product, size) => product * size, 1);
  const pictures = Array.from({ length: setting.pictures }, () => values(setting.random, length, low, high));
  return { name, shape, pictures };
}

function joined(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}

const asOutput = ({ shape, pictures }: Part, name: string): FamilyOutput => ({ name, shape, data: joined(pictures) });

/** Tables of the same rows as one: the values of each row one after the other. */
function merged(parts: readonly Part[]): FamilyOutput {
  const rows = parts[0]!.shape[0]!;
  const widths = parts.map(({ shape }) => shape[1] ?? 1);
  const pictures = parts[0]!.pictures.map((_, picture) =>
    joined(
      Array.from({ length: rows }, (_, row) =>
        joined(parts.map(({ pictures: of }, i) => of[picture]!.subarray(row * widths[i]!, (row + 1) * widths[i]!))),
      ),
    ),
  );
  return { name: 'all', shape: [rows, widths.reduce((sum, width) => sum + width, 0)], data: joined(pictures) };
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.integer(0, left.length - 1), 1)[0]!);
}

/** The outputs under their own names in any order, or under names that say nothing in the order of `parts`. */
function named(random: Random, parts: readonly Part[]): FamilyOutput[] {
  if (random.chance(0.5)) return parts.map((one, index) => asOutput(one, `output_${index}`));
  return shuffled(random, parts).map((one) => asOutput(one, one.name));
}

function centernet(setting: Setting): Drawn {
  const { random, spec } = setting;
  const classes = spec.labels || random.integer(1, 4);
  const rows = cells(spec.width, 4) * cells(spec.height, 4);
  const table = part(setting, 'output', [rows, 4 + 2 * classes], -2, 3);
  for (const picture of table.pictures) {
    for (let row = 0; row < rows; row++) {
      for (let label = 0; label < classes; label++) {
        const at = row * (4 + 2 * classes) + 4 + label;
        picture[at + classes] = random.chance(0.6) ? picture[at]! : picture[at]! + 1;
      }
    }
  }
  return { parts: [table], outputs: [asOutput(table, 'anything')], logits: true };
}

function dbface(setting: Setting): Drawn {
  const { random, spec } = setting;
  const map = [cells(spec.height, 4), cells(spec.width, 4)];
  const heat = part(setting, 'hm', [1, ...map], 0, 1);
  const parts = [heat, part(setting, 'tlrb', [4, ...map], -1, 3), part(setting, 'landmark', [10, ...map], -0.6, 0.6)];
  if (random.chance(0.5)) {
    const pictures = heat.pictures.map((scores) => scores.map((score) => (random.chance(0.6) ? score : score + 1)));
    parts.push({ name: 'pool_hm', shape: [1, ...map], pictures });
  }
  return { parts, outputs: named(random, parts), logits: false };
}

function rtdetr(setting: Setting): Drawn {
  const { random, spec } = setting;
  const queries = random.integer(1, 50);
  const [low, high] = spec.logits ? [-3, 3] : [0, 1];
  const classes = spec.labels || random.integer(1, 6);
  const parts = [part(setting, 'boxes', [queries, 4], 0, 1), part(setting, 'scores', [queries, classes], low, high)];
  const outputs = random.chance(0.5) ? [merged(parts)] : named(random, parts);
  return { parts, outputs, logits: spec.logits };
}

function efficientNms(setting: Setting): Drawn {
  const { random } = setting;
  const most = random.integer(1, 40);
  const counts = Array.from({ length: setting.pictures }, () =>
    Float32Array.of(random.pick([NaN, -1, 0, 1, most, most + 1, Infinity, -Infinity, 3e9, random.integer(0, most)])),
  );
  const parts = [
    { name: 'num_dets', shape: [1], pictures: counts },
    part(setting, 'boxes', [most, 4], -20, 100),
    part(setting, 'scores', [most], 0, 1),
    part(setting, 'labels', [most], -1, 4),
  ];
  const labels = parts[3]!.pictures;
  for (const picture of labels)
    picture.forEach((label, i) => (picture[i] = random.chance(0.8) ? Math.round(label) : label));
  return { parts, outputs: named(random, parts), logits: false };
}

function retinaface(setting: Setting): Drawn {
  const { random, spec } = setting;
  const strides = spec.strides.length > 0 ? spec.strides : [8, 16, 32];
  const rows = strides.reduce((sum, stride, level) => {
    const anchors = spec.anchors.length > 0 ? spec.anchors[level]!.length / 2 : 2;
    return sum + cells(spec.width, stride) * cells(spec.height, stride) * anchors;
  }, 0);
  const apart = random.chance(0.5);
  const logits = !apart || spec.logits;
  const parts = [
    part(setting, 'loc', [rows, 4], -2, 2),
    part(setting, 'conf', [rows, 2], logits ? -2 : 0, logits ? 2 : 1),
    part(setting, 'landms', [rows, 10], -2, 2),
  ];
  return { parts, outputs: apart ? named(random, parts) : [merged(parts)], logits };
}

function scrfd(setting: Setting): Drawn {
  const { random, spec } = setting;
  const strides = spec.strides.length > 0 ? spec.strides : [8, 16, 32];
  const counts = strides.map((stride) => 2 * cells(spec.width, stride) * cells(spec.height, stride));
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const apart = random.chance(0.7);
  const logits = !apart || spec.logits;
  const box = part(setting, 'bbox', [rows, 4], -1, 3);
  const score = part(setting, 'score', [rows, 1], logits ? -3 : 0, logits ? 3 : 1);
  const points = part(setting, 'kps', [rows, 10], -2, 2);
  if (!apart) return { parts: [score, box, points], outputs: [merged([box, score, points])], logits };
  const parts = random.chance(0.7) ? [score, box, points] : [score, box];
  let from = 0;
  const levels = counts.flatMap((count, level) => {
    const begin = from;
    from += count;
    return parts.map(({ name, shape: [, columns = 1], pictures }) => {
      const of = (picture: Float32Array) => picture.subarray(begin * columns, from * columns);
      return { name: `${name}_${strides[level]}`, shape: [count, columns], pictures: pictures.map(of) };
    });
  });
  // Without names, levels of as many rows are told apart by their order alone.
  const distinct = new Set(counts).size === counts.length;
  if (!distinct) return { parts, outputs: named(random, levels), logits };
  const nameless = random.chance(0.5);
  const outputs = shuffled(random, levels).map((level, i) => asOutput(level, nameless ? `${i}` : level.name));
  return { parts, outputs, logits };
}

const FAMILIES = { centernet, dbface, rtdetr, efficient_nms: efficientNms, retinaface, scrfd };

export type Family = keyof typeof FAMILIES;

export const FAMILY_NAMES = Object.keys(FAMILIES) as Family[];

/** A family's outputs for a few pictures of this size, and what is asked of one of them. */
export function anyFamily(random: Random, family: Family, width: number, height: number): FamilyCase {
  const custom = random.chance(0.3) && (family === 'retinaface' || family === 'scrfd');
  const classes = family === 'centernet' || family === 'rtdetr' ? random.integer(0, 4) : random.integer(0, 1);
  const maxDetections = random.integer(0, 60);
  const spec: DetectionSpec = {
    task: family,
    width,
    height,
    strides: custom ? [4, 16] : [],
    anchors:
      custom && family === 'retinaface'
        ? [
            [10, 20, 5, 7, 3, 3],
            [30, 40],
          ]
        : [],
    keyPoints: 0,
    logits: random.chance(0.5),
    labels: classes,
    nmsRule: random.pick(['fast', 'greedy'] as const),
    classAgnostic: random.chance(0.3),
    maxDetections,
  };
  const pictures = random.integer(1, 3);
  const { parts, outputs, logits } = FAMILIES[family]({ random, spec, pictures });
  const request: DetectionRequest = {
    matrix: random.pick(MATRICES),
    // Often a score that some candidates have: those are not told.
    scoreThreshold: random.chance(0.5) ? random.integer(0, 15) / 16 : random.real(),
    nmsThreshold: random.real(),
    maxDetections,
    classIds: random.chance(0.3) ? [0, random.integer(0, 3)] : null,
  };
  const oracle = Array.from({ length: pictures }, (_, picture) => ({
    spec: { ...spec, logits },
    outputs: parts.map(({ name, shape }) => ({ name, shape })),
    data: parts.map((one) => one.pictures[picture]),
    request,
  }));
  return { spec, outputs, pictures, request, oracle };
}
