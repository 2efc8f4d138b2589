import type { GraphProto, NodeProto } from '../../gen/onnx/onnx.js';
import type { Probe } from '../comparison.js';
import { attributeOf, type OnnxModel } from '../graph.js';
import type { DoctorContext, Observation } from './finding.js';

const about = { rule: 'R15', node: null, fixable: false } as const;
/** Coarser maps than this are no part of a pyramid but pooled for a score. */
const COARSEST = 64;
const GROWING: ReadonlySet<string> = new Set(['Resize', 'Upsample', 'ConvTranspose']);

/** R15: a size that the network can halve as often as it does. Of one that is left open R4 tells. */
export function checkStrides(model: OnnxModel, { size, served, picture }: DoctorContext): Observation[] {
  if (size === null || served === null || picture === null) return [];
  const stride = largestStride(model.graph, served, picture.name);
  const odd = [size.width, size.height].filter((side) => side % stride !== 0);
  if (odd.length === 0) return [];
  const isPyramid = model.graph.node.some(({ opType }) => GROWING.has(opType));
  return [
    {
      ...about,
      severity: isPyramid ? 'warning' : 'info',
      message: `${size.width}x${size.height} is no multiple of ${stride}, the largest stride of the network`,
      why: isPyramid
        ? 'Maps are rounded on the way down, so that those on the way up are shifted against them.'
        : 'The right and lower edge of the picture count less than the rest.',
      fix: `Serve it at a multiple of ${stride}.`,
    },
  ];
}

/** How many pixels a cell of the coarsest map spans: 1 where no map becomes smaller in whole steps. */
function largestStride(graph: GraphProto, { shapeOf }: Probe, input: string): number {
  const strides = new Map([[input, 1]]);
  for (const node of graph.node) {
    const known = node.input.map((name) => strides.get(name)).filter((stride) => stride !== undefined);
    const [before, after] = [node.input[0], node.output[0]].map((name) => shapeOf(name ?? ''));
    const [from, to] = [before?.[2], after?.[2]];
    // What is pooled to one cell, or is no map any more, can be made of any size.
    if (known.length === 0 || before?.length !== 4 || after?.length !== 4 || from == null || to == null || to <= 1)
      continue;
    const stride = Math.max(...known);
    node.output.forEach((name) => strides.set(name, stride * factorOf(node, from, to)));
  }
  return Math.max(...[...strides.values()].filter((stride) => Number.isInteger(stride) && stride <= COARSEST));
}

function factorOf(node: NodeProto, from: number, to: number): number {
  switch (node.opType) {
    case 'Conv':
    case 'MaxPool':
    case 'AveragePool':
      return Number(attributeOf(node, 'strides')?.ints[0] ?? 1n);
    case 'SpaceToDepth':
      return Number(attributeOf(node, 'blocksize')?.i ?? 1n);
    case 'Slice':
      return Math.max(1, Math.round(from / to));
    case 'DepthToSpace':
      return 1 / Number(attributeOf(node, 'blocksize')?.i ?? 1n);
    default:
      return GROWING.has(node.opType) ? 1 / Math.max(1, Math.round(to / from)) : 1;
  }
}
