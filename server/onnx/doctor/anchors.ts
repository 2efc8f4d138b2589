import type { GraphProto, TensorProto } from '../../gen/onnx/onnx.js';
import { tensorsOf, usedNames, type OnnxModel } from '../graph.js';
import { dimsOf, numbersOf } from '../tensor.js';
import { ANCHORS, ANCHORS_PER_CELL, rawHeads, strideSize } from '../yolo-heads.js';
import type { DoctorContext, Observation } from './finding.js';
import { servedOutputs } from './steps.js';

const about = { rule: 'R17', node: null, fixable: false } as const;
/** Grids of anchors are stretched over all cells in some exports. */
const MOST_ELEMENTS = 65_536;
const STRIDES = [8, 16, 32, 64] as const;
const PAIRS = ANCHORS_PER_CELL * 2;

/** R17: whether the anchors in the graph are those that decoders know, or its own. */
export function checkAnchors(model: OnnxModel, context: DoctorContext): Observation[] {
  const found = [...anchorTensors(model.graph)];
  const [first] = found;
  if (first === undefined) return [];
  const unknown = found.filter(({ anchors }) => tableOf(anchors) === null);
  const { size } = context;
  const isRaw = size !== null && rawHeads(servedOutputs(model, context), strideSize(size)).length > 0;
  if (unknown.length > 0) {
    const all = unknown.flatMap(({ anchors }) => anchors).map((side) => Math.round(side * 100) / 100);
    return [
      {
        ...about,
        severity: isRaw ? 'warning' : 'info',
        message: `it has anchors of its own: '${unknown[0]?.name}' ${unknown.length > 1 ? 'and others ' : ''}with ${all.join(',')}`,
        why: 'Whoever decodes raw heads has to know them; with those of YOLOv5 boxes would have wrong sizes.',
        fix: isRaw ? 'Merge the heads in the network, or give the anchors in pixels with --anchors.' : null,
      },
    ];
  }
  const tables = new Set(found.map(({ anchors }) => tableOf(anchors)));
  return [
    {
      ...about,
      severity: 'info',
      message: `its anchors ('${first.name}'${found.length > 1 ? ' and others' : ''}) are those of YOLOv5 ${[...tables].join(' and ')}`,
      why: 'Decoders of raw heads know them.',
      fix: null,
    },
  ];
}

interface AnchorTensor {
  readonly name: string;
  /** Widths and heights, three pairs a level. */
  readonly anchors: readonly number[];
}

/** Constants that are called anchors, or have the shape in which YOLO multiplies by them: [1, 3, rows, columns, 2]. */
function* anchorTensors(graph: GraphProto): Generator<AnchorTensor> {
  const used = usedNames(graph);
  for (const tensor of tensorsOf(graph)) {
    if (tensor.name !== '' && !used.has(tensor.name) && graph.initializer.includes(tensor)) continue;
    const anchors = anchorsOf(tensor);
    if (anchors !== null) yield { name: tensor.name, anchors };
  }
}

function anchorsOf(tensor: TensorProto): number[] | null {
  const dims = dimsOf(tensor);
  const isGrid = dims.length >= 4 && dims.at(-1) === 2 && dims.at(-4) === ANCHORS_PER_CELL;
  const isCalledSo = /anchor/i.test(tensor.name) && dims.at(-1) === 2;
  const numbers = isGrid || isCalledSo ? numbersOf(tensor, MOST_ELEMENTS) : null;
  if (numbers === null || numbers.length % PAIRS !== 0 || numbers.some((side) => side <= 0)) return null;
  const pairs: number[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    const [width = 0, height = 0] = numbers.slice(index, index + 2);
    const isLast = pairs.at(-2) === width && pairs.at(-1) === height;
    if (!isLast) pairs.push(width, height);
  }
  // A grid of places has many pairs, and anchors a few.
  return pairs.length % PAIRS === 0 && pairs.length <= PAIRS * STRIDES.length ? pairs : null;
}

/** `P5` or `P6` for anchors of these tables, of one level or of all, in pixels or in cells. */
function tableOf(anchors: readonly number[]): string | null {
  for (const [name, table] of Object.entries(ANCHORS)) {
    for (let start = 0; start < table.length; start += PAIRS) {
      const part = table.slice(start, start + anchors.length);
      const stride = STRIDES[start / PAIRS] ?? 1;
      const isSame = (factor: (index: number) => number) =>
        part.length === anchors.length &&
        part.every((side, index) => Math.abs(side * factor(index) - (anchors[index] ?? 0)) < 1e-2);
      const inCells = (index: number) => 1 / (STRIDES[Math.floor((start + index) / PAIRS)] ?? stride);
      if (isSame(() => 1) || isSame(inCells)) return name.toUpperCase();
    }
  }
  return null;
}
