import type { NodeProto } from '../../gen/onnx/onnx.js';
import { constantsByName } from '../constants.js';
import { floatsOf } from '../fixes/fold-batch-norm.js';
import { attributeOf, opsetOf, type OnnxModel } from '../graph.js';
import { fromEnd } from '../shape-rules/layout.js';
import type { Shape } from '../shape-rules/rule.js';
import type { DoctorContext, Observation } from './finding.js';
import { decomposedLayerNorms, LAYER_NORM_OPSET } from './opset.js';
import { allNodes } from './places.js';

const about = { rule: 'R12', fixable: false } as const;
/** The largest number of 16 bits, its smallest normal one, and what is rounded to nothing. */
const LARGEST = 65_504;
const SMALLEST_NORMAL = 2 ** -14;
/** A smaller addend is as good as none. */
const SMALLEST_EPSILON = 1e-7;
/** Of a tensor of at least so many weights a share of this size counts. */
const MOST_SUBNORMAL = 0.2;
const FEWEST_WEIGHTS = 64;
/** Sums of so many terms can leave the range, or lose the small ones. */
const LONG_AXIS = 4096;
const SUMS: ReadonlySet<string> = new Set([
  'Softmax',
  'LogSoftmax',
  'ReduceSum',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
]);
const NORMS: ReadonlySet<string> = new Set([
  'BatchNormalization', 'GroupNormalization', 'InstanceNormalization', 'LayerNormalization', 'RMSNormalization',
]); // prettier-ignore
/** Masks write a number like -1e9 where nothing may be looked at. */
const MASKING: ReadonlySet<string> = new Set(['Add', 'Sub', 'Where', 'Mul', 'Clip', 'Max', 'Min']);

/** R12: what computes something else in 16 bits than in 32. */
export function checkHalfPrecision(model: OnnxModel, context: DoctorContext): Observation[] {
  return [...checkWeights(model), ...smallEpsilons(model), ...spelledNorms(model), ...longSums(model, context)];
}

/** Float32 constants with the first node that takes each. */
interface Weight {
  readonly name: string;
  readonly node: NodeProto;
  readonly values: Float32Array;
}

function weightsOf({ graph }: OnnxModel): Weight[] {
  const constants = constantsByName(graph);
  const takers = new Map<string, NodeProto>();
  for (const node of allNodes(graph)) for (const name of node.input) if (!takers.has(name)) takers.set(name, node);
  return [...takers].flatMap(([name, node]) => {
    const values = floatsOf(constants.get(name));
    return values === null ? [] : [{ name, node, values }];
  });
}

function checkWeights(model: OnnxModel): Observation[] {
  const weights = weightsOf(model);
  const large = weights.filter(({ values }) =>
    values.some((value) => Math.abs(value) > LARGEST && Number.isFinite(value)),
  );
  return [
    ...summed(
      large.filter(({ node }) => MASKING.has(node.opType)),
      {
        severity: 'info',
        what: 'constants are larger than 65504, such as masks of attention write',
        why: 'In 16 bits they become infinite, and a row that is masked as a whole becomes NaN.',
        fix: 'Use -1e4 for masks.',
      },
    ),
    ...summed(
      large.filter(({ node }) => !MASKING.has(node.opType)),
      {
        severity: 'warning',
        what: 'weights are larger than 65504',
        why: 'In 16 bits they become infinite, and with them everything behind.',
        fix: 'Serve it with precision fp32, or scale the layer.',
      },
    ),
    ...summed(weights.filter(isMostlySubnormal), {
      severity: 'info',
      what: `weights have more than ${MOST_SUBNORMAL * 100} % of numbers below ${SMALLEST_NORMAL.toExponential(1)}`,
      why: 'In 16 bits these keep few digits, or become 0.',
      fix: 'Compare fp16 with fp32 before serving it, or fold normalisations into the weights.',
    }),
  ];
}

interface Words {
  readonly severity: Observation['severity'];
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

function summed(weights: readonly Weight[], { severity, what, why, fix }: Words): Observation[] {
  const [first] = weights;
  if (first === undefined) return [];
  return [
    { ...about, severity, node: first.node, message: `${weights.length} ${what}, '${first.name}' first`, why, fix },
  ];
}

function isMostlySubnormal({ values }: Weight): boolean {
  const small = values.reduce((count, value) => count + Number(value !== 0 && Math.abs(value) < SMALLEST_NORMAL), 0);
  return values.length >= FEWEST_WEIGHTS && small > values.length * MOST_SUBNORMAL;
}

function smallEpsilons({ graph }: OnnxModel): Observation[] {
  const found = allNodes(graph).filter((node) => {
    const epsilon = NORMS.has(node.opType) ? attributeOf(node, 'epsilon')?.f : undefined;
    return epsilon !== undefined && epsilon < SMALLEST_EPSILON;
  });
  const [first] = found;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `${found.length} normalisations add less than ${SMALLEST_EPSILON} to the variance`,
      why: 'In 16 bits that is 0, and a channel that does not vary is divided by 0.',
      fix: 'Use an epsilon of 1e-5 in the network.',
    },
  ];
}

/** R5 tells of them where a newer opset would help. */
function spelledNorms(model: OnnxModel): Observation[] {
  const norms = opsetOf(model) < LAYER_NORM_OPSET ? [] : decomposedLayerNorms(model);
  const [first] = norms;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `${norms.length} layer normalisations are spelled out operator by operator`,
      why: 'In 16 bits the squares overflow; as one operator they are computed safely, and faster.',
      fix: 'Use torch.nn.LayerNorm in the network, which exports as one operator.',
    },
  ];
}

function longSums({ graph }: OnnxModel, { served }: DoctorContext): Observation[] {
  if (served === null) return [];
  const long = graph.node.flatMap((node) => {
    if (!SUMS.has(node.opType)) return [];
    const [before, after] = [node.input[0], node.output[0]].map((name) => served.shapeOf(name ?? ''));
    const terms = node.opType.endsWith('oftmax') ? softmaxTerms(node, before) : countOf(before) / countOf(after);
    return terms >= LONG_AXIS ? [{ node, terms }] : [];
  });
  const [first] = long;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first.node,
      message: `${long.length} sums run over ${LONG_AXIS} numbers or more, the first over ${first.terms}`,
      why: 'In 16 bits they leave the range, or the small ones get lost.',
      fix: 'Compare fp16 with fp32 before serving it.',
    },
  ];
}

function softmaxTerms(node: NodeProto, shape: Shape | null | undefined): number {
  const axis = Number(attributeOf(node, 'axis')?.i ?? -1n);
  return shape?.[fromEnd(axis, shape.length)] ?? 0;
}

function countOf(shape: Shape | null | undefined): number {
  return shape?.reduce<number>((product, dim) => product * (dim ?? NaN), 1) ?? NaN;
}
