import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { inferShapes } from '../../server/onnx/shape-inference.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { choice } from './models.js';
import { noise, runModel } from './run-model.js';

interface Case {
  readonly title: string;
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
  readonly input?: readonly number[];
  readonly opset?: number;
}

const X = ['x'];
const floats = (name: string, ...dims: number[]) =>
  floatTensor(name, dims, noise(dims.reduce((product, dim) => product * dim, 1)));
const ints = (name: string, ...values: number[]) => int64Tensor(name, values);
const float = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));
const scales = (...values: number[]) => floatTensor('scales', [values.length], Float32Array.from(values));

/** Each ends in the value `y`. */
const CASES: readonly Case[] = [
  { title: 'Conv with stride and dilation', nodes: [node('Conv', ['x', 'w'], ['y'], { strides: [2, 1], dilations: [2, 1], pads: [1, 0, 2, 1] })], constants: [floats('w', 5, 4, 3, 3)] },
  { title: 'Conv of groups with SAME_UPPER', nodes: [node('Conv', ['x', 'w'], ['y'], { strides: [2, 2], group: 2, auto_pad: 'SAME_UPPER' })], constants: [floats('w', 6, 2, 3, 3)] },
  { title: 'Conv with VALID', nodes: [node('Conv', ['x', 'w'], ['y'], { auto_pad: 'VALID' })], constants: [floats('w', 6, 4, 3, 3)] },
  { title: 'ConvTranspose with output_padding', nodes: [node('ConvTranspose', ['x', 'w'], ['y'], { strides: [2, 3], pads: [1, 1, 1, 1], output_padding: [1, 0] })], constants: [floats('w', 4, 3, 3, 3)] },
  { title: 'ConvTranspose with output_shape', nodes: [node('ConvTranspose', ['x', 'w'], ['y'], { strides: [2, 2], output_shape: [17, 21] })], constants: [floats('w', 4, 3, 3, 3)] },
  { title: 'MaxPool with ceil_mode', nodes: [node('MaxPool', X, ['y'], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })] },
  { title: 'AveragePool', nodes: [node('AveragePool', X, ['y'], { kernel_shape: [2, 3], strides: [2, 2], pads: [1, 1, 0, 1] })] },
  { title: 'GlobalAveragePool', nodes: [node('GlobalAveragePool', X, ['y'])] },
  { title: 'Resize by scales', nodes: [node('Resize', ['x', '', 'scales'], ['y'], { mode: 'nearest' })], constants: [scales(1, 1, 1.5, 2)] },
  { title: 'Resize to sizes', nodes: [node('Resize', ['x', '', '', 'sizes'], ['y'], { mode: 'linear' })], constants: [ints('sizes', 2, 4, 5, 30)] },
  { title: 'Resize of opset 10', nodes: [node('Resize', ['x', 'scales'], ['y'], { mode: 'nearest' })], constants: [scales(1, 1, 2, 0.5)], opset: 10 },
  { title: 'Upsample of opset 9', nodes: [node('Upsample', ['x', 'scales'], ['y'], { mode: 'nearest' })], constants: [scales(1, 1, 2, 2)], opset: 9 },
  { title: 'DepthToSpace', nodes: [node('DepthToSpace', X, ['y'], { blocksize: 2 })] },
  { title: 'SpaceToDepth', nodes: [node('SpaceToDepth', X, ['y'], { blocksize: 2 })] },
  { title: 'Add that broadcasts', nodes: [node('Add', ['x', 'c'], ['y'])], constants: [floats('c', 4, 1, 1)] },
  { title: 'Mul by a tensor of higher rank', nodes: [node('Mul', ['x', 'c'], ['y'])], constants: [floats('c', 3, 1, 1, 8, 1)] },
  { title: 'Reshape with 0 and -1', nodes: [node('Reshape', ['x', 's'], ['y'])], constants: [ints('s', 0, -1, 2)] },
  { title: 'Flatten at axis 2', nodes: [node('Flatten', X, ['y'], { axis: 2 })] },
  { title: 'Flatten at axis -1', nodes: [node('Flatten', X, ['y'], { axis: -1 })] },
  { title: 'Transpose', nodes: [node('Transpose', X, ['y'], { perm: [0, 2, 3, 1] })] },
  { title: 'Transpose without perm', nodes: [node('Transpose', X, ['y'])] },
  { title: 'Concat along the last axis', nodes: [node('Concat', ['x', 'c', 'x'], ['y'], { axis: -1 })], constants: [floats('c', 2, 4, 8, 3)] },
  { title: 'Split into even parts', nodes: [node('Split', X, ['y', 'z'], { axis: 1, num_outputs: 2 })], opset: 18 },
  { title: 'Split of opset 11', nodes: [node('Split', X, ['y', 'z'], { axis: 3, split: [3, 7] })], opset: 11 },
  { title: 'Split by an input', nodes: [node('Split', ['x', 's'], ['z', 'y'], { axis: 3 })], constants: [ints('s', 3, 7)] },
  { title: 'Slice with steps and ends beyond', nodes: [node('Slice', ['x', 'b', 'e', 'a', 's'], ['y'])], constants: [ints('b', 1, -1), ints('e', 2 ** 40, -100), ints('a', 2, 3), ints('s', 3, -2)] },
  { title: 'Slice of opset 9', nodes: [node('Slice', X, ['y'], { starts: [1, 0], ends: [3, -2], axes: [1, 3] })], opset: 9 },
  { title: 'Squeeze after Unsqueeze', nodes: [node('Unsqueeze', ['x', 'a'], ['u']), node('Squeeze', ['u', 'b'], ['y'])], constants: [ints('a', 0, -1), ints('b', 0)] },
  { title: 'Unsqueeze of opset 11', nodes: [node('Unsqueeze', X, ['y'], { axes: [2] })], opset: 11 },
  { title: 'Gather of a vector', nodes: [node('Gather', ['x', 'i'], ['y'], { axis: 1 })], constants: [ints('i', 3, 0, 1)] },
  { title: 'Gather of a scalar', nodes: [node('Gather', ['x', 'i'], ['y'], { axis: -1 })], constants: [int64Tensor('i', [2], [])] },
  { title: 'Expand', nodes: [node('Expand', ['x', 's'], ['y'])], constants: [ints('s', 3, 1, 4, 8, 1)] },
  { title: 'Pad', nodes: [node('Pad', ['x', 'p'], ['y'])], constants: [ints('p', 0, 0, 1, 2, 0, 0, 3, -1)] },
  { title: 'ReduceMean that keeps dims', nodes: [node('ReduceMean', X, ['y'], { axes: [2, 3] })] },
  { title: 'ReduceSum that drops dims', nodes: [node('ReduceSum', ['x', 'a'], ['y'], { keepdims: 0 })], constants: [ints('a', -1)] },
  { title: 'MatMul', nodes: [node('MatMul', ['x', 'm'], ['y'])], constants: [floats('m', 10, 6)] },
  { title: 'Gemm of transposed weights', nodes: [node('Flatten', X, ['f']), node('Gemm', ['f', 'm'], ['y'], { transB: 1 })], constants: [floats('m', 6, 320)] },
  { title: 'Tile', nodes: [node('Tile', ['x', 'r'], ['y'])], constants: [ints('r', 1, 2, 1, 3)] },
  { title: 'TopK', nodes: [node('TopK', ['x', 'k'], ['y', 'i'], { axis: 2 })], constants: [ints('k', 3)] },
  { title: 'TopK of opset 9', nodes: [node('TopK', X, ['y', 'i'], { axis: 3, k: 4 })], opset: 9 },
  { title: 'GatherElements', nodes: [node('GatherElements', ['x', 'i'], ['y'], { axis: 1 })], constants: [int64Tensor('i', [1, 0, 3], [1, 1, 1, 3])] },
  { title: 'ReduceSumSquare', nodes: [node('ReduceSumSquare', X, ['y'], { axes: [1] })] },
  { title: 'CumSum', nodes: [node('CumSum', ['x', 'a'], ['y'])], constants: [int64Tensor('a', [1], [])] },
  { title: 'an If whose branches agree', nodes: [node('ReduceMax', X, ['m'], { keepdims: 0 }), node('Greater', ['m', 'c'], ['big']), choice('big', 'y', [node('Relu', X, ['yes'])], [node('Neg', X, ['no'])])], constants: [floatTensor('c', [], Float32Array.of(2))] },
  { title: 'an If that shapes decide', nodes: [node('Size', X, ['n']), node('Greater', ['n', 'c'], ['big']), choice('big', 'y', [node('Flatten', X, ['yes'])], [node('Neg', X, ['no'])])], constants: [int64Tensor('c', [9], [])] },
  { title: 'BatchNormalization', nodes: [node('BatchNormalization', ['x', 'c', 'c', 'c', 'v'], ['y'])], constants: [floats('c', 4), floatTensor('v', [4], new Float32Array(4).fill(1))] },
  { title: 'a Reshape to sizes computed from the shape', nodes: [
    node('Shape', X, ['shape']), node('Gather', ['shape', 'first'], ['batch']), node('Gather', ['shape', 'third'], ['height']),
    node('Unsqueeze', ['batch', 'a'], ['b']), node('Mul', ['height', 'two'], ['h']), node('Unsqueeze', ['h', 'a'], ['hh']),
    node('Concat', ['b', 'rest', 'hh'], ['target'], { axis: 0 }), node('Reshape', ['x', 'target'], ['y']),
  ], constants: [int64Tensor('first', [0], []), int64Tensor('third', [2], []), int64Tensor('two', [2], []), ints('a', 0), ints('rest', -1)] },
  { title: 'a Resize to half of the shape by floats', nodes: [
    node('Shape', X, ['shape']), node('Slice', ['shape', 'zero', 'two'], ['head']), node('Slice', ['shape', 'two', 'four'], ['tail']),
    node('Cast', ['tail'], ['t'], { to: DataType.FLOAT }), node('Div', ['t', 'three'], ['d']), node('Floor', ['d'], ['fl']),
    node('Cast', ['fl'], ['i'], { to: DataType.INT64 }), node('Concat', ['head', 'i'], ['sizes'], { axis: 0 }),
    node('Resize', ['x', '', '', 'sizes'], ['y'], { mode: 'nearest' }),
  ], constants: [ints('zero', 0), ints('two', 2), ints('four', 4), floatTensor('three', [1], Float32Array.of(3))] },
]; // prettier-ignore

for (const { title, nodes, constants = [], input = [2, 4, 8, 10], opset = 17 } of CASES) {
  test(`the inferred shape is that of ONNX Runtime: ${title}`, async (t) => {
    const model = makeModel({
      name: 'case',
      nodes,
      inputs: [valueInfo('x', [null, null, null, null])],
      outputs: [valueInfo('y', null)],
      initializers: constants,
      opset,
    });
    const { shapeOf, conflicts } = inferShapes(model.graph, opset, new Map([['x', input]]));
    const count = input.reduce((product, dim) => product * dim, 1);
    const { y } = await runModel(model, input, noise(count));
    t.deepEqual(shapeOf('y'), y?.dims);
    t.deepEqual(conflicts, []);
  });
}

/** Arithmetic on constants and shapes; each ends in the value `y`, a float32 tensor. */
const VALUES: readonly Case[] = [
  { title: 'Range, Mul, Add and Concat of several dims', nodes: [node('Range', ['f0', 'f5', 'f1'], ['r']), node('Reshape', ['r', 'column'], ['c']), node('Mul', ['c', 'r'], ['grid']), node('Unsqueeze', ['grid', 'last'], ['g']), node('Neg', ['g'], ['n']), node('Concat', ['g', 'n'], ['y'], { axis: 2 })], constants: [float('f0', 0), float('f5', 5), float('f1', 1), ints('column', 5, 1), ints('last', 2)] },
  { title: 'Transpose and Gather along an axis', nodes: [node('Transpose', ['m'], ['t'], { perm: [1, 2, 0] }), node('Gather', ['t', 'i'], ['y'], { axis: 1 })], constants: [floats('m', 2, 3, 4), int64Tensor('i', [3, 0, -1, 1], [2, 2])] },
  { title: 'Slice with steps, backwards too', nodes: [node('Slice', ['m', 'b', 'e', 'a', 's'], ['y'])], constants: [floats('m', 4, 7), ints('b', 1, -1), ints('e', 4, -100), ints('a', 0, 1), ints('s', 2, -3)] },
  { title: 'Expand, ConstantOfShape and Where', nodes: [node('ConstantOfShape', ['s'], ['zeros']), node('Greater', ['m', 'zeros'], ['p']), node('Expand', ['one', 's'], ['ones']), node('Where', ['p', 'ones', 'm'], ['y'])], constants: [ints('s', 3, 4), floats('m', 3, 4), float('one', 1)] },
  { title: 'whole numbers: Div, Mod, Sub and Min', nodes: [node('Div', ['a', 'b'], ['q']), node('Mod', ['a', 'b'], ['r']), node('Sub', ['q', 'r'], ['d']), node('Min', ['d', 'a'], ['z']), node('Cast', ['z'], ['y'], { to: DataType.FLOAT })], constants: [ints('a', 7, -7, 9, 0), ints('b', 2, 2, -4, 5)] },
  { title: 'floats: Div, Floor, Ceil, Sqrt and rounding to 32 bits', nodes: [node('Div', ['m', 'third'], ['d']), node('Floor', ['d'], ['lo']), node('Ceil', ['d'], ['hi']), node('Mul', ['lo', 'hi'], ['p']), node('Abs', ['p'], ['abs']), node('Sqrt', ['abs'], ['y'])], constants: [floats('m', 9), float('third', 0.3)] },
  { title: 'the size of a picture, and its dims multiplied', nodes: [node('Shape', X, ['s'], { start: 1, end: 3 }), node('ReduceProd', ['s'], ['n'], { keepdims: 0 }), node('Size', X, ['all']), node('Div', ['all', 'n'], ['rest']), node('Equal', ['n', 'rest'], ['same']), node('Not', ['same'], ['other']), node('Cast', ['other'], ['o'], { to: DataType.FLOAT }), node('Cast', ['rest'], ['f'], { to: DataType.FLOAT }), node('Add', ['f', 'o'], ['y'])] },
]; // prettier-ignore

for (const { title, nodes, constants = [], input = [2, 4, 8, 10] } of VALUES) {
  test(`the computed value is that of ONNX Runtime: ${title}`, async (t) => {
    const model = makeModel({
      name: 'value',
      nodes: [...nodes, node('Identity', X, ['picture'])],
      inputs: [valueInfo('x', [null, null, null, null])],
      outputs: [valueInfo('y', null), valueInfo('picture', null)],
      initializers: constants,
    });
    const { shapeOf, valueOf } = inferShapes(model.graph, 17, new Map([['x', input]]));
    const { y } = await runModel(model, input, noise(input.reduce((product, dim) => product * dim, 1)));
    t.deepEqual(valueOf('y')?.dims, y?.dims);
    t.deepEqual(shapeOf('y'), y?.dims);
    // No negative zero on either side: it is as good as the other.
    const plain = (values: ArrayLike<number> | undefined) => Array.from(values ?? [], (value) => value + 0);
    t.deepEqual(plain(valueOf('y')?.numbers), plain(y?.data));
  });
}

test('a value of more elements than asked for is not computed', (t) => {
  const nodes = [node('ConstantOfShape', ['s'], ['y'])];
  const model = makeModel({ name: 'large', nodes, inputs: [], outputs: [], initializers: [ints('s', 100, 100)] });
  t.is(inferShapes(model.graph, 17, new Map()).valueOf('y'), null);
  t.is(inferShapes(model.graph, 17, new Map(), 10_000).valueOf('y')?.numbers.length, 10_000);
});

test('an operator without a rule has an output of unknown shape, and so has what follows', (t) => {
  const nodes = [node('NonZero', ['x'], ['n']), node('Relu', ['n'], ['y']), node('Relu', ['x'], ['z'])];
  const model = makeModel({ name: 'unknown', nodes, inputs: [], outputs: [] });
  const { shapeOf } = inferShapes(model.graph, 17, new Map([['x', [1, 2]]]));
  t.is(shapeOf('y'), null);
  t.deepEqual(shapeOf('z'), [1, 2]);
});

const CONFLICTS: readonly (Case & { readonly reason: RegExp })[] = [
  { title: 'Conv', nodes: [node('Conv', ['x', 'w'], ['y'])], constants: [floats('w', 5, 3, 3, 3)], reason: /takes 3 channels and is given 4/ },
  { title: 'MaxPool', nodes: [node('MaxPool', X, ['y'], { kernel_shape: [9, 9] })], reason: /window of 9 does not fit 8/ },
  { title: 'Add', nodes: [node('Add', ['x', 'c'], ['y'])], constants: [floats('c', 3, 1, 1)], reason: /\[2, 4, 8, 10\] and \[3, 1, 1\] do not go together/ },
  { title: 'Concat', nodes: [node('Concat', ['x', 'c'], ['y'], { axis: 1 })], constants: [floats('c', 2, 4, 8, 9)], reason: /10 and 9 along axis 3/ },
  { title: 'Reshape', nodes: [node('Reshape', ['x', 's'], ['y'])], constants: [ints('s', 0, 7)], reason: /cannot become \[0, 7\]/ },
  { title: 'MatMul', nodes: [node('MatMul', ['x', 'm'], ['y'])], constants: [floats('m', 9, 6)], reason: /rows of 10 by columns of 9/ },
  { title: 'Split', nodes: [node('Split', ['x', 's'], ['y', 'z'], { axis: 3 })], constants: [ints('s', 3, 8)], reason: /do not add up to 10/ },
]; // prettier-ignore

for (const { title, nodes, constants = [], reason } of CONFLICTS) {
  test(`inputs that contradict each other are told with their sizes: ${title}`, (t) => {
    const model = makeModel({ name: 'case', nodes, inputs: [], outputs: [], initializers: constants });
    const { conflicts } = inferShapes(model.graph, 17, new Map([['x', [2, 4, 8, 10]]]));
    t.is(conflicts.length, 1);
    t.regex(conflicts[0]?.reason ?? '', reason);
  });
}
