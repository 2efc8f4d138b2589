import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
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
