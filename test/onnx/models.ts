import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  GraphProto,
  type NodeProto,
  type TensorProto,
} from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo, type GraphParts } from '../../server/onnx/builder.js';
import type { DeclaredDim, OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { noise } from './run-model.js';

/** Weights of a 3x3 convolution from 3 to `channels` channels. */
export function kernel(name: string, channels: number): TensorProto {
  return floatTensor(name, [channels, 3, 3, 3], noise(channels * 27));
}

/** A convolution of stride 2: input `input`, value `features` of half the size. */
export const CONV = node('Conv', ['input', 'weight'], ['features'], { strides: [2, 2], pads: [1, 1, 1, 1] });

export interface TailOptions extends Partial<GraphParts> {
  /** Declared shape of the input. @default [1, 3, 8, 8] */
  readonly input?: readonly DeclaredDim[];
  /** Channels after the convolution. @default 4 */
  readonly channels?: number;
  /** Declared shape of the output `output`. @default not even the rank */
  readonly output?: readonly DeclaredDim[];
}

/** A model of one convolution followed by `nodes`, the last of which makes `output`. */
export function convThen(
  nodes: readonly NodeProto[],
  constants: readonly TensorProto[],
  options: TailOptions = {},
): OnnxModel {
  const { input = [1, 3, 8, 8], channels = 4, output = null, ...rest } = options;
  return makeModel({
    name: 'conv',
    nodes: [CONV, ...nodes],
    inputs: [valueInfo('input', input)],
    outputs: [valueInfo('output', output)],
    initializers: [kernel('weight', channels), ...constants],
    ...rest,
  });
}

/** An If with a branch for each outcome, which work on the values around them. */
export function choice(
  condition: string,
  output: string,
  yes: readonly NodeProto[],
  no: readonly NodeProto[],
): NodeProto {
  const branch = (name: string, nodes: readonly NodeProto[]) =>
    AttributeProto.fromPartial({
      name,
      type: AttributeType.GRAPH,
      g: GraphProto.fromPartial({
        name,
        node: [...nodes],
        output: [valueInfo(nodes.at(-1)?.output[0] ?? '', null)],
      }),
    });
  const made = node('If', [condition], [output]);
  return { ...made, attribute: [branch('then_branch', yes), branch('else_branch', no)] };
}
