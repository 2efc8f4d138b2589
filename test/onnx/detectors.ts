import type { NodeProto, TensorProto, ValueInfoProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** Height and width of the pictures of these networks. */
export const SIZE = 64;
export const CLASSES = 2;
export const VALUES = 5 + CLASSES;

export interface Part {
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
}

/** A map of a stride: `channels` channels, of pictures with `colors` channels. */
export function map(name: string, stride: number, channels: number, colors = 3): Part {
  const weights = noise(channels * colors * stride * stride, stride).map((value) => value / stride);
  return {
    nodes: [node('Conv', ['images', `${name}.weight`], [name], { strides: [stride, stride] })],
    constants: [floatTensor(`${name}.weight`, [channels, colors, stride, stride], weights)],
  };
}

/** A network of such parts, which takes pictures of 64x64. */
export function detector(
  parts: readonly Part[],
  outputs: readonly ValueInfoProto[],
  opset = 17,
  picture: readonly [number, number, number] = [3, SIZE, SIZE],
): OnnxModel {
  return makeModel({
    name: 'detector',
    nodes: parts.flatMap(({ nodes }) => nodes),
    initializers: parts.flatMap(({ constants }) => constants),
    inputs: [valueInfo('images', ['batch', ...picture])],
    outputs,
    opset,
  });
}

export const STRIDES = [8, 16, 32] as const;

/** YOLOv8's output [N, 4 + C, rows], with the maps of training beside it or not. */
export function yolov8(training: boolean): OnnxModel {
  const heads = STRIDES.map((stride): Part => {
    const made = map(`head${stride}`, stride, 4 + CLASSES);
    return {
      nodes: [...made.nodes, node('Reshape', [`head${stride}`, `shape${stride}`], [`rows${stride}`])],
      constants: [...made.constants, ints(`shape${stride}`, -1, 4 + CLASSES, (SIZE / stride) ** 2)],
    };
  });
  const joined = node(
    'Concat',
    STRIDES.map((stride) => `rows${stride}`),
    ['output0'],
    { axis: 2 },
  );
  const maps = STRIDES.map((stride) =>
    valueInfo(`head${stride}`, ['batch', 4 + CLASSES, SIZE / stride, SIZE / stride]),
  );
  const outputs = [valueInfo('output0', ['batch', 4 + CLASSES, 84]), ...(training ? maps : [])];
  return detector([...heads, { nodes: [joined], constants: [] }], outputs);
}
