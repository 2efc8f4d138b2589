import type { AttributeProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { node as makeNode, type AttributeValue } from '../builder.js';
import { constantNumbers } from '../constants.js';
import { attributeOf, opsetOf, tensorsOf, type OnnxModel } from '../graph.js';
import { DataType, floatTensor, int64Tensor } from '../tensor.js';
import { FreshNames, withGraph, withInitializers } from './edit.js';

/** Where Resize came to what it is, and what exporters and TensorRT agree on best. */
export const UPGRADED_OPSET = 11;
/** From here on the older operators are those that this module knows. */
const OLDEST_OPSET = 7;

/** Operators of opset 7 to 10 that take the same in opset 11, and mean the same by it. */
const UNCHANGED: ReadonlySet<string> = new Set([
  'Abs', 'Acos', 'Add', 'And', 'ArgMax', 'ArgMin', 'Asin', 'Atan', 'AveragePool', 'Cast', 'Ceil', 'Concat', 'Constant',
  'ConstantOfShape', 'Conv', 'ConvTranspose', 'Cos', 'DepthToSpace', 'DequantizeLinear', 'Div', 'Dropout', 'Elu', 'Equal',
  'Erf', 'Exp', 'Expand', 'EyeLike', 'Flatten', 'Floor', 'Gather', 'Gemm', 'GlobalAveragePool', 'GlobalLpPool',
  'GlobalMaxPool', 'Greater', 'GRU', 'HardSigmoid', 'Hardmax', 'Identity', 'InstanceNormalization', 'LeakyRelu', 'Less',
  'Log', 'LogSoftmax', 'LpNormalization', 'LpPool', 'LRN', 'LSTM', 'MatMul', 'Max', 'MaxPool', 'Mean',
  'MeanVarianceNormalization', 'Min', 'Mod', 'Mul', 'Neg', 'NonMaxSuppression', 'NonZero', 'Not', 'OneHot', 'Or', 'Pow',
  'PRelu', 'QuantizeLinear', 'Reciprocal', 'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax',
  'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSum', 'ReduceSumSquare', 'Relu', 'Reshape', 'RNN', 'RoiAlign', 'Selu',
  'Shape', 'Sigmoid', 'Sign', 'Sin', 'Size', 'Softmax', 'Softplus', 'Softsign', 'SpaceToDepth', 'Split', 'Sqrt', 'Squeeze',
  'Sub', 'Sum', 'Tan', 'Tanh', 'ThresholdedRelu', 'Tile', 'Transpose', 'Unsqueeze', 'Where', 'Xor',
]); // prettier-ignore

/** A node as opset 11 has it, with constants that it takes; null where it cannot be said in opset 11. */
type Conversion = (node: NodeProto, add: Constants) => NodeProto | null;

/** Turns what was an attribute into a constant, and answers its name. */
interface Constants {
  readonly from: number;
  readonly valueOf: (name: string) => number[] | null;
  readonly ints: (role: string, values: readonly number[]) => string;
  readonly floats: (role: string, values: readonly number[], dims: readonly number[]) => string;
}

/**
 * A model of opset 7 to 10 as one of opset 11, which computes the same: Upsample becomes Resize, and what were attributes
 * of Slice, Clip, Pad and TopK become inputs. Null where it has an operator for which that is not certain.
 */
export function upgradeOpset(model: OnnxModel, changes: string[]): OnnxModel | null {
  const from = opsetOf(model);
  if (from < OLDEST_OPSET || from >= UPGRADED_OPSET) return null;
  const names = new FreshNames(model);
  const constants: TensorProto[] = [];
  const nodes: NodeProto[] = [];
  for (const node of model.graph.node) {
    const [output = ''] = node.output;
    const add: Constants = {
      from,
      valueOf: (name) => constantNumbers(model.graph, name),
      ints: (role, values) => keep(constants, int64Tensor(names.get(`${output}/${role}`), values)),
      floats: (role, values, dims) =>
        keep(constants, floatTensor(names.get(`${output}/${role}`), dims, Float32Array.from(values))),
    };
    const upgraded = upgradeNode(node, add, model);
    if (upgraded === null) return null;
    nodes.push(upgraded);
  }
  changes.push(`opset ${from} -> ${UPGRADED_OPSET}`);
  const opsetImport = model.opsetImport.map((one) =>
    one.domain === '' || one.domain === 'ai.onnx' ? { ...one, version: BigInt(UPGRADED_OPSET) } : one,
  );
  const graph = withInitializers({ ...model.graph, node: nodes }, constants);
  return withGraph({ ...model, opsetImport }, graph);
}

function keep(constants: TensorProto[], tensor: TensorProto): string {
  constants.push(tensor);
  return tensor.name;
}

function upgradeNode(node: NodeProto, add: Constants, model: OnnxModel): NodeProto | null {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return node;
  if (node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) return null;
  if (UNCHANGED.has(node.opType)) return node;
  const conversion = CONVERSIONS[node.opType];
  // Bounds and fillings become float32 tensors, which a network of another width could not take.
  const isWide = (node.opType === 'Clip' || node.opType === 'Pad') && [...tensorsOf(model.graph)].some(isOtherFloat);
  return conversion === undefined || isWide ? null : conversion(node, add);
}

function isOtherFloat({ dataType }: TensorProto): boolean {
  return dataType === DataType.FLOAT16 || dataType === DataType.DOUBLE || dataType === DataType.BFLOAT16;
}

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  BatchNormalization: (node) => (attributeOf(node, 'spatial')?.i === 0n ? null : without(node, ['spatial'])),
  Scatter: (node) => ({ ...node, opType: 'ScatterElements' }),
  Clip: (node, add) => {
    if (node.input.length > 1) return node;
    const bound = (name: string) => {
      const value = attributeOf(node, name)?.f;
      return value === undefined ? '' : add.floats(name, [value], []);
    };
    return without({ ...node, input: [node.input[0] ?? '', bound('min'), bound('max')] }, ['min', 'max']);
  },
  Pad: (node, add) => {
    const pads = attributeOf(node, 'pads')?.ints.map(Number);
    if (pads === undefined) return null;
    const filling = add.floats('value', [attributeOf(node, 'value')?.f ?? 0], []);
    return without({ ...node, input: [node.input[0] ?? '', add.ints('pads', pads), filling] }, ['pads', 'value']);
  },
  Slice: (node, add) => {
    if (add.from >= 10) return node;
    const [starts, ends] = ['starts', 'ends'].map((name) => attributeOf(node, name)?.ints.map(Number));
    if (starts === undefined || ends === undefined) return null;
    const axes = attributeOf(node, 'axes')?.ints.map(Number) ?? starts.map((_, axis) => axis);
    // "To the end" is more than a number here can be exact about, and as good as any size.
    const bounded = (places: number[]) => places.map((place) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, place)));
    const input = [
      node.input[0] ?? '',
      add.ints('starts', bounded(starts)),
      add.ints('ends', bounded(ends)),
      add.ints('axes', axes),
    ];
    return without({ ...node, input }, ['starts', 'ends', 'axes']);
  },
  TopK: (node, add) => {
    const k = attributeOf(node, 'k')?.i;
    if (k === undefined) return node.input.length > 1 ? node : null;
    return without({ ...node, input: [node.input[0] ?? '', add.ints('k', [Number(k)])] }, ['k']);
  },
  Upsample: (node, add) => {
    const scales = attributeOf(node, 'scales')?.floats ?? add.valueOf(node.input[1] ?? '');
    return scales === null ? null : resize(node, scales, add);
  },
  Resize: (node, add) => {
    const scales = add.valueOf(node.input[1] ?? '');
    return scales === null ? null : resize(node, scales, add);
  },
};

/** Before 11 a place of the result stood for itself divided by the scale, and nearest took what is below. */
function resize(node: NodeProto, scales: readonly number[], add: Constants): NodeProto | null {
  const mode = new TextDecoder().decode(attributeOf(node, 'mode')?.s ?? new TextEncoder().encode('nearest'));
  // Making smaller was rounded in ways of the runtime's own.
  if (scales.some((scale) => !(scale >= 1)) || (mode !== 'nearest' && mode !== 'linear')) return null;
  const attributes: Record<string, AttributeValue> = { mode, coordinate_transformation_mode: 'asymmetric' };
  if (mode === 'nearest') attributes['nearest_mode'] = 'floor';
  const region = add.floats('roi', [], [0]);
  const inputs = [node.input[0] ?? '', region, add.floats('scales', scales, [scales.length])];
  return { ...makeNode('Resize', inputs, node.output, attributes), name: node.name };
}

function without(node: NodeProto, names: readonly string[]): NodeProto {
  const attribute: AttributeProto[] = node.attribute.filter(({ name }) => !names.includes(name));
  return { ...node, attribute };
}
