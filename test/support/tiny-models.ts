import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  GraphProto,
} from '../../server/gen/onnx/onnx.js';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** Models small enough to know their answers by heart, as bytes of ONNX files. */

/** Side of the boxes that `spotsModel` finds, in pixels of its input. */
export const SPOT_SIZE = 8;

const OFFSETS = Array.from({ length: 10 }, (_, index) => index / 10);

/**
 * A detector with CenterFace's outputs: a face for each 4x4 cell, as sure as the cell's red is bright. Boxes have the side
 * SPOT_SIZE around the cell's centre; landmark k lies at (2k+1, 2k) tenths of the box.
 */
export function spotsModel(width: number, height: number): Uint8Array {
  const maps = [columns([1 / 255, 0, 0]), zeros(2), zeros(2), zeros(10)];
  const biases = [[0], Array(2).fill(Math.log(SPOT_SIZE / 4)), [0, 0], OFFSETS];
  const names = ['heat', 'scale', 'offset', 'landmarks'];
  const nodes = [node('AveragePool', ['input'], ['cells'], { kernel_shape: [4, 4], strides: [4, 4] })];
  const initializers: TensorProto[] = [];
  names.forEach((name, index) => {
    const bias = Float32Array.from(biases[index]!);
    initializers.push(floatTensor(`${name}.w`, [bias.length, 3, 1, 1], maps[index]!));
    initializers.push(floatTensor(`${name}.b`, [bias.length], bias));
    nodes.push(node('Conv', ['cells', `${name}.w`, `${name}.b`], [name]));
  });
  const map = (planes: number) => ['batch', planes, Math.ceil(height / 4), Math.ceil(width / 4)];
  return encodeModel(
    makeModel({
      name: 'spots',
      nodes,
      initializers,
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: names.map((name, index) => valueInfo(name, map(biases[index]!.length))),
    }),
  );
}

/** An embedder: the mean of each channel. */
export function meansModel(width: number, height: number): Uint8Array {
  const nodes = [node('GlobalAveragePool', ['input'], ['means']), node('Flatten', ['means'], ['embedding'])];
  return embedder('means', nodes, [], width, height);
}

/** A classifier with an output [N, 3, 1, 1]: the mean of each channel. */
export function classesModel(width: number, height: number): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'classes',
      nodes: [node('GlobalAveragePool', ['input'], ['scores'])],
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: [valueInfo('scores', ['batch', 3, 1, 1])],
    }),
  );
}

/** An embedder: the mean of each channel in each cell of a grid, row by row, first all of red. */
export function gridModel(width: number, height: number, cells: number): Uint8Array {
  const size = [height / cells, width / cells];
  const nodes = [
    node('AveragePool', ['input'], ['cells'], { kernel_shape: size, strides: size }),
    node('Flatten', ['cells'], ['embedding']),
  ];
  return embedder('grid', nodes, [], width, height, 3 * cells * cells);
}

/** An embedder that gives out its input as it lies in memory. `shape` is that of a row. */
export function mirrorModel(shape: readonly number[]): Uint8Array {
  const length = shape.reduce((product, side) => product * side, 1);
  return encodeModel(
    makeModel({
      name: 'mirror',
      nodes: [node('Flatten', ['input'], ['embedding'])],
      inputs: [valueInfo('input', ['batch', ...shape])],
      outputs: [valueInfo('embedding', ['batch', length])],
    }),
  );
}

/** What `slowModel` takes at most, for a white picture: many seconds. A black one takes next to nothing. */
const SLOWEST_STEPS = 4000;

/**
 * As `meansModel`, but the brighter the pictures of a batch, the longer it takes: up to many seconds, inside one native
 * call that nothing can interrupt.
 */
export function slowModel(width: number, height: number): Uint8Array {
  const side = 320;
  const body = GraphProto.fromPartial({
    name: 'step',
    node: [node('MatMul', ['square_in', 'weight'], ['square_out']), node('Identity', ['keep_in'], ['keep_out'])],
    input: [
      valueInfo('step', [], DataType.INT64),
      valueInfo('keep_in', [], DataType.BOOL),
      valueInfo('square_in', [side, side]),
    ],
    output: [valueInfo('keep_out', [], DataType.BOOL), valueInfo('square_out', [side, side])],
  });
  const loop = node('Loop', ['steps', '', 'square'], ['worked']);
  loop.attribute = [AttributeProto.fromPartial({ name: 'body', type: AttributeType.GRAPH, g: body })];
  const nodes = [
    node('GlobalAveragePool', ['input'], ['means']),
    node('Flatten', ['means'], ['flat']),
    node('ReduceMax', ['flat'], ['brightest'], { keepdims: 0 }),
    node('Mul', ['brightest', 'steps_per_level'], ['work']),
    node('Cast', ['work'], ['steps'], { to: DataType.INT64 }),
    loop,
    // Keeps the loop from being optimised away: nothing times its result.
    node('ReduceMax', ['worked'], ['most'], { keepdims: 0 }),
    node('Mul', ['most', 'nothing'], ['none']),
    node('Add', ['flat', 'none'], ['embedding']),
  ];
  const initializers = [
    floatTensor('square', [side, side], new Float32Array(side * side).fill(1)),
    floatTensor('weight', [side, side], new Float32Array(side * side).fill(1 / side)),
    floatTensor('steps_per_level', [], Float32Array.of(SLOWEST_STEPS / 255)),
    floatTensor('nothing', [], Float32Array.of(0)),
  ];
  return embedder('slow', nodes, initializers, width, height);
}

/** How `colorsModel` tells its scores. */
export type ColorsLayout = 'planes first' | 'planes last' | 'one plane';

/** A segmentation of 4x4 cells: the classes are red, green and blue, and score as bright as they are; one plane: red. */
export function colorsModel(width: number, height: number, layout: ColorsLayout): Uint8Array {
  const size = { kernel_shape: [4, 4], strides: [4, 4] };
  const nodes = [node('AveragePool', ['input'], ['cells'], size)];
  if (layout === 'planes first') nodes.push(node('Identity', ['cells'], ['scores']));
  if (layout === 'planes last') nodes.push(node('Transpose', ['cells'], ['scores'], { perm: [0, 2, 3, 1] }));
  if (layout === 'one plane') nodes.push(node('Conv', ['cells', 'red'], ['scores']));
  const [rows, cols] = [height / 4, width / 4];
  const shapes = { 'planes first': [3, rows, cols], 'planes last': [rows, cols, 3], 'one plane': [1, rows, cols] };
  return encodeModel(
    makeModel({
      name: 'colors',
      nodes,
      initializers: layout === 'one plane' ? [floatTensor('red', [1, 3, 1, 1], Float32Array.of(1, 0, 0))] : [],
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: [valueInfo('scores', ['batch', ...shapes[layout]])],
    }),
  );
}

/** A model whose output has a shape that no task knows. */
export function misfitModel(width: number, height: number): Uint8Array {
  const nodes = [node('Reshape', ['input', 'shape'], ['pixels'])];
  const output = valueInfo('pixels', ['batch', 3, height * width, 1]);
  return encodeModel(
    makeModel({
      name: 'misfit',
      nodes,
      initializers: [int64Tensor('shape', [0, 3, height * width, 1])],
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: [output],
    }),
  );
}

function embedder(
  name: string,
  nodes: NodeProto[],
  initializers: TensorProto[],
  width: number,
  height: number,
  length = 3,
): Uint8Array {
  return encodeModel(
    makeModel({
      name,
      nodes,
      initializers,
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: [valueInfo('embedding', ['batch', length])],
    }),
  );
}

function columns(weights: readonly number[]): Float32Array {
  return Float32Array.from(weights);
}

function zeros(planes: number): Float32Array {
  return new Float32Array(planes * 3);
}
