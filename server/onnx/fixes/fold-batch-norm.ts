import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { attributeOf, nodeLabel, type OnnxModel } from '../graph.js';
import { DataType, dimsOf, elementCount, floatTensor } from '../tensor.js';
import { countUses, FreshNames, withInitializers } from './edit.js';

/** A convolution and the normalisation that alone takes its result, with the weights of both. */
export interface NormalisedConv {
  readonly conv: NodeProto;
  readonly norm: NodeProto;
  readonly weight: TensorProto;
  readonly bias: TensorProto | null;
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** Every normalisation by constants that can become part of the convolution in front of it. */
export function normalisedConvs(graph: GraphProto): NormalisedConv[] {
  const uses = countUses(graph);
  const convs = new Map(graph.node.filter(({ opType }) => opType === 'Conv').map((node) => [node.output[0], node]));
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  return graph.node.flatMap((norm): NormalisedConv[] => {
    const conv = norm.opType === 'BatchNormalization' ? convs.get(norm.input[0]) : undefined;
    const weight = weights.get(conv?.input[1] ?? '');
    if (conv === undefined || weight === undefined || uses.get(norm.input[0] ?? '') !== 1) return [];
    if (norm.output.length > 1 || attributeOf(norm, 'training_mode')?.i === 1n) return [];
    const bias = weights.get(conv.input[2] ?? '') ?? null;
    const parts = norm.input.slice(1).map((name) => floatsOf(weights.get(name)));
    const [gamma, beta, mean, variance] = parts;
    if (gamma == null || beta == null || mean == null || variance == null || floatsOf(weight) === null) return [];
    if (gamma.length !== dimsOf(weight)[0] || (bias === null) !== ((conv.input[2] ?? '') === '')) return [];
    if (bias !== null && floatsOf(bias)?.length !== gamma.length) return [];
    const epsilon = attributeOf(norm, 'epsilon')?.f ?? 1e-5;
    const scale = [...gamma].map((value, channel) => value / Math.sqrt((variance[channel] ?? 1) + epsilon));
    const shift = scale.map((value, channel) => (beta[channel] ?? 0) - (mean[channel] ?? 0) * value);
    return [{ conv, norm, weight, bias, scale, shift }];
  });
}

/** Makes each such normalisation part of the weights of its convolution, which then gives the result of both. */
export function foldBatchNorms(model: OnnxModel, changes: string[]): OnnxModel {
  const found = normalisedConvs(model.graph);
  const [first] = found;
  if (first === undefined) return model;
  const names = new FreshNames(model);
  const constants: TensorProto[] = [];
  const byConv = new Map<NodeProto, NodeProto>(
    found.map((pair) => {
      const [output = ''] = pair.norm.output;
      const weight = scaledWeight(names.get(`${output}/weight`), pair);
      const bias = shiftedBias(names.get(`${output}/bias`), pair);
      constants.push(weight, bias);
      const input = [pair.conv.input[0] ?? '', weight.name, bias.name];
      return [pair.conv, { ...pair.conv, input, output: [output] }];
    }),
  );
  const norms = new Set(found.map(({ norm }) => norm));
  const node = model.graph.node.filter((one) => !norms.has(one)).map((one) => byConv.get(one) ?? one);
  changes.push(
    `${found.length} normalisations are part of the convolution in front of them, that of ${nodeLabel(first.norm)} first`,
  );
  return { ...model, graph: withInitializers({ ...model.graph, node }, constants) };
}

function scaledWeight(name: string, { weight, scale }: NormalisedConv): TensorProto {
  const values = floatsOf(weight) ?? new Float32Array();
  const perChannel = values.length / scale.length;
  return floatTensor(
    name,
    dimsOf(weight),
    values.map((value, index) => value * (scale[Math.floor(index / perChannel)] ?? 1)),
  );
}

function shiftedBias(name: string, { bias, scale, shift }: NormalisedConv): TensorProto {
  const before = floatsOf(bias ?? undefined);
  const values = shift.map((value, channel) => value + (before?.[channel] ?? 0) * (scale[channel] ?? 1));
  return floatTensor(name, [values.length], Float32Array.from(values));
}

/** All elements of a float32 tensor, however many. */
export function floatsOf(tensor: TensorProto | undefined): Float32Array | null {
  if (tensor?.dataType !== DataType.FLOAT || tensor.externalData.length > 0) return null;
  const { rawData: raw, floatData } = tensor;
  // A view of the file need not be aligned; what is read from one is a Buffer, whose slice() would be a view too.
  const values =
    raw.length > 0 ? new Float32Array(new Uint8Array(raw).buffer, 0, raw.length >> 2) : Float32Array.from(floatData);
  return values.length === elementCount(tensor) ? values : null;
}
