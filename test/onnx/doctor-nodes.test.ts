import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { DataType, floatTensor, int64Tensor, tensorOf } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { convThen } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R6 and R9 to R16: operators, types and constants. */

const OPEN = ['batch', 3, 8, 8] as const;
const open = (nodes: readonly NodeProto[], constants: readonly TensorProto[] = [], opset = 17) =>
  convThen(nodes, constants, { input: OPEN, opset });
const numbers = (name: string, ...values: number[]) => floatTensor(name, [values.length], Float32Array.from(values));
const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

test('R6: values written into a slice', (t) => {
  const scatter = node('ScatterND', ['features', 'places', 'values'], ['output']);
  const places = int64Tensor('places', [0, 0], [1, 2]);
  const model = open([scatter], [places, floatTensor('values', [1, 4, 4], noise(16))]);
  finds(t, model, { rule: 'R6', severity: 'warning', node: "ScatterND 'output/ScatterND'", fixable: false }, /places that are always the same/);
});

test('R6: scattering to places that depend on the picture is no slice', (t) => {
  const nodes = [
    node('ArgMax', ['features'], ['best'], { axis: 3 }),
    node('ScatterElements', ['features', 'best', 'best.values'], ['output'], { axis: 3 }),
    node('Cast', ['best'], ['best.values'], { to: DataType.FLOAT }),
  ];
  t.deepEqual(byRule(doctor(open([nodes[0]!, nodes[2]!, nodes[1]!])), 'R6'), []);
});

const DATA_DEPENDENT: Record<string, { nodes: NodeProto[]; constants?: TensorProto[]; message: RegExp }> = {
  NonZero: { nodes: [node('NonZero', ['features'], ['output'])], message: /size of its result depends on the data/ },
  Unique: { nodes: [node('Unique', ['features'], ['output'])], message: /size of its result/ },
  Compress: {
    nodes: [node('Greater', ['features', 'zero'], ['big']), node('Reshape', ['big', 'flat'], ['list']), node('Compress', ['features', 'list'], ['output'])],
    constants: [scalar('zero', 0), ints('flat', -1)],
    message: /size of its result/,
  },
  NonMaxSuppression: {
    nodes: [
      node('Reshape', ['features', 'boxes.shape'], ['boxes']),
      node('Reshape', ['features', 'scores.shape'], ['scores']),
      node('NonMaxSuppression', ['boxes', 'scores', 'most'], ['output']),
    ],
    constants: [ints('boxes.shape', 0, -1, 4), ints('scores.shape', 0, 4, 16), ints('most', 10)],
    message: /size of its result/,
  },
  TopK: {
    nodes: [
      node('Greater', ['features', 'zero'], ['big']),
      node('Cast', ['big'], ['ones'], { to: DataType.INT64 }),
      node('ReduceMax', ['ones'], ['k'], { keepdims: 0 }),
      node('Reshape', ['k', 'one'], ['count']),
      node('TopK', ['features', 'count'], ['output', 'places']),
    ],
    constants: [scalar('zero', 0), ints('one', 1)],
    message: /how many it keeps is computed/,
  },
};

for (const [opType, { nodes, constants, message }] of Object.entries(DATA_DEPENDENT)) {
  test(`R9: ${opType}`, (t) => {
    finds(t, open(nodes, constants), { rule: 'R9', severity: 'warning', node: `${opType} 'output/${opType}'`, fixable: false }, message);
  });
}

test('R9: suppression by plugins of TensorRT, and a TopK of a fixed number', (t) => {
  const plugin = (opType: string) => open([{ ...node(opType, ['features'], ['output']), domain: 'TRT' }]);
  finds(t, plugin('EfficientNMS_TRT'), { rule: 'R9', severity: 'warning' }, /plugin of TensorRT, deprecated/);
  finds(t, plugin('BatchedNMSDynamic_TRT'), { rule: 'R9', severity: 'error' }, /TensorRT no longer has/);
  t.deepEqual(byRule(doctor(plugin('EfficientNMS_TRT')), 'R10'), []);
  const topK = open([node('TopK', ['features', 'k'], ['output', 'places'])], [ints('k', 2)]);
  t.deepEqual(byRule(doctor(topK), 'R9'), []);
});

const OPERATORS: Record<string, { made: NodeProto; severity: 'error' | 'warning' | 'info'; message: RegExp; opset?: number }> = {
  'a name that is in no standard': { made: node('Mystery', ['features'], ['output']), severity: 'error', message: /'Mystery' is no operator of ONNX/ },
  'a domain of nobody': { made: { ...node('Swish', ['features'], ['output']), domain: 'acme' }, severity: 'error', message: /domain 'acme' is in no runtime/ },
  'an operator of ONNX Runtime': { made: { ...node('FusedConv', ['features'], ['output']), domain: 'com.microsoft' }, severity: 'warning', message: /operator of com\.microsoft/ },
  'a plugin': { made: node('Plugin', ['features'], ['output'], { name: 'HSwish', info: '{"a": 1}' }), severity: 'error', message: /asks for the plugin 'HSwish' with \{"a": 1\}/ },
  'an operator newer than the opset': { made: node('HardSwish', ['features'], ['output']), severity: 'error', message: /HardSwish came with opset 14, and the file asks for 13/, opset: 13 },
  'an operator older than the opset': { made: node('Upsample', ['features', 'scales'], ['output']), severity: 'error', message: /Upsample is not in opset 17 any more; it is Resize/ },
  'deformable convolution': { made: node('DeformConv', ['features', 'weight', 'features'], ['output']), severity: 'info', message: /deformable/, opset: 19 },
};

for (const [what, { made, severity, message, opset }] of Object.entries(OPERATORS)) {
  test(`R10: ${what}`, (t) => {
    const model = open([made], [numbers('scales', 1, 1, 2, 2)], opset);
    finds(t, model, { rule: 'R10', severity, node: `${made.opType} 'output/${made.opType}'`, fixable: false }, message);
  });
}

test('R11: a cast by way of 64 bits, which the fix leaves out', (t) => {
  const model = open([
    node('Cast', ['features'], ['wide'], { to: DataType.DOUBLE }),
    node('Cast', ['wide'], ['output'], { to: DataType.FLOAT }),
  ]);
  finds(t, model, { rule: 'R11', severity: 'warning', node: "Cast 'wide/Cast'", fixable: true }, /64-bit floats: 1 casts and 0 constants/);
  fixes(t, model, { rule: 'R11' });
});

test('R11: a constant of 64-bit floats', (t) => {
  const wide = tensorOf('wide', [1, 2, 3, 4], [4], DataType.DOUBLE);
  if (wide === null) return t.fail();
  const model = open([node('Cast', ['wide'], ['narrow'], { to: DataType.FLOAT }), node('Add', ['features', 'narrow'], ['output'])], [wide]);
  finds(t, model, { rule: 'R11', severity: 'warning', node: "Cast 'narrow/Cast'", fixable: true }, /0 casts and 1 constants/);
  fixes(t, model, { rule: 'R11' });
});

test('R11: a whole number that 32 bits do not hold, but for the end of a Slice', (t) => {
  const add = (value: number) =>
    open(
      [
        node('Cast', ['features'], ['whole'], { to: DataType.INT64 }),
        node('Add', ['whole', 'offset'], ['moved']),
        node('Cast', ['moved'], ['output'], { to: DataType.FLOAT }),
      ],
      [ints('offset', value)],
    );
  finds(t, add(2 ** 40), { rule: 'R11', severity: 'warning', node: "Add 'moved/Add'" }, /1 constants of 64 bits .* 'offset' first/);
  t.deepEqual(byRule(doctor(add(2 ** 30)), 'R11'), []);
  const slice = open([node('Slice', ['features', 'zero', 'end', 'axis'], ['output'])], [ints('zero', 0), ints('end', 2 ** 40), ints('axis', 2)]);
  t.deepEqual(byRule(doctor(slice), 'R11'), []);
});

test('R11: an input of bytes, of which R4 says nothing more', (t) => {
  const inputs = [valueInfo('input', OPEN, DataType.UINT8)];
  const model = convThen([node('Relu', ['features'], ['output'])], [], { inputs });
  finds(t, model, { rule: 'R11', severity: 'error', node: null }, /input 'input' is UINT8/);
  t.deepEqual(byRule(doctor(model), 'R4'), []);
});

test('R11: bfloat16', (t) => {
  const model = open([
    node('Cast', ['features'], ['short'], { to: DataType.BFLOAT16 }),
    node('Cast', ['short'], ['output'], { to: DataType.FLOAT }),
  ]);
  finds(t, model, { rule: 'R11', severity: 'warning', node: "Cast 'short/Cast'" }, /bfloat16: 1 casts/);
});

test('R12: weights, masks and small numbers', (t) => {
  const conv = (values: Float32Array) =>
    open([node('Conv', ['features', 'kernel'], ['output'])], [floatTensor('kernel', [16, 4, 1, 1], values)]);
  finds(t, conv(noise(64).fill(70_000, 3, 4)), { rule: 'R12', severity: 'warning', node: "Conv 'output/Conv'" }, /1 weights are larger than 65504, 'kernel' first/);
  finds(t, conv(noise(64).fill(1e-6, 0, 32)), { rule: 'R12', severity: 'info' }, /more than 20 % of numbers below 6\.1e-5/);
  t.deepEqual(byRule(doctor(conv(noise(64))), 'R12'), []);
  const mask = open([node('Add', ['features', 'mask'], ['output'])], [numbers('mask', 0, -1e9, 0, 0)]);
  finds(t, mask, { rule: 'R12', severity: 'info', node: "Add 'output/Add'" }, /masks of attention/);
});

test('R12: a small epsilon, a spelled-out normalisation and a long sum', (t) => {
  const norm = node('LayerNormalization', ['features', 'scale'], ['output'], { epsilon: { float: 1e-12 } });
  finds(t, open([norm], [numbers('scale', 1, 1, 1, 1)]), { rule: 'R12', severity: 'info', node: "LayerNormalization 'output/LayerNormalization'" }, /add less than 1e-7/);
  const spelled = [
    node('ReduceMean', ['features'], ['mean'], { axes: [3] }),
    node('Sub', ['features', 'mean'], ['centred']),
    node('Pow', ['centred', 'two'], ['squares']),
    node('ReduceMean', ['squares'], ['variance'], { axes: [3] }),
    node('Add', ['variance', 'epsilon'], ['sum']),
    node('Sqrt', ['sum'], ['deviation']),
    node('Div', ['centred', 'deviation'], ['output']),
  ];
  finds(t, open(spelled, [scalar('two', 2), scalar('epsilon', 1e-5)]), { rule: 'R12', severity: 'info', node: "Div 'output/Div'" }, /1 layer normalisations are spelled out/);
  const long = convThen([node('Reshape', ['features', 'flat'], ['row']), node('Softmax', ['row'], ['output'], { axis: 1 })], [ints('flat', -1, 4096)], {
    input: ['batch', 3, 64, 64],
  });
  finds(t, long, { rule: 'R12', severity: 'info', node: "Softmax 'output/Softmax'" }, /1 sums run over 4096 numbers or more, the first over 4096/);
});

const byte = (name: string, value: number, dataType: number): TensorProto => ({
  ...int64Tensor(name, [], []),
  dataType,
  rawData: Uint8Array.of(value),
});

/** A value through 8 bits and back. */
function quantised(input: string, output: string, scale: string, zero = 'zero'): NodeProto[] {
  return [
    node('QuantizeLinear', [input, scale, zero], [`${output}.q`]),
    node('DequantizeLinear', [`${output}.q`, scale, zero], [output]),
  ];
}

const SCALES = [scalar('s', 0.1), scalar('s2', 0.2), byte('zero', 0, DataType.INT8)];
const POINTWISE = floatTensor('kernel', [4, 4, 1, 1], noise(16));
const product = (input: string, weight: string, output: string) => node('Conv', [input, weight], [output]);

const QUANTISED: Record<string, { nodes: NodeProto[]; constants?: TensorProto[]; severity: 'error' | 'warning' | 'info'; at: string; message: RegExp }> = {
  'a zero point': {
    nodes: quantised('features', 'output', 's', 'shifted'),
    constants: [byte('shifted', 7, DataType.INT8)],
    severity: 'error',
    at: "QuantizeLinear 'output.q/QuantizeLinear'",
    message: /2 quantisations have a zero point other than 0/,
  },
  'unsigned bytes': {
    nodes: quantised('features', 'output', 's', 'unsigned'),
    constants: [byte('unsigned', 0, DataType.UINT8)],
    severity: 'error',
    at: "QuantizeLinear 'output.q/QuantizeLinear'",
    message: /or are UINT8/,
  },
  'weights in floats': {
    nodes: [...quantised('features', 'small', 's'), product('small', 'kernel', 'output')],
    severity: 'warning',
    at: "Conv 'output/Conv'",
    message: /1 products have one side in 8 bits/,
  },
  'one branch of an addition': {
    nodes: [...quantised('features', 'small', 's'), node('Relu', ['features'], ['other']), node('Add', ['small', 'other'], ['output'])],
    severity: 'warning',
    at: "Add 'output/Add'",
    message: /1 additions have one branch in 8 bits/,
  },
  'different scales that are put together': {
    nodes: [...quantised('features', 'small', 's'), ...quantised('features', 'large', 's2'), node('Concat', ['small', 'large'], ['output'], { axis: 1 })],
    severity: 'warning',
    at: "Concat 'output/Concat'",
    message: /1 nodes put values of different scales together/,
  },
  'a layer that was left out': {
    nodes: [...quantised('features', 'small', 's'), ...quantised('kernel', 'weights', 's'), product('small', 'weights', 'output')],
    severity: 'info',
    at: "Conv 'features/Conv'",
    message: /1 products are left in floats/,
  },
};

for (const [what, { nodes, constants = [], severity, at, message }] of Object.entries(QUANTISED)) {
  test(`R13: ${what}`, (t) => {
    const model = open(nodes, [...SCALES, POINTWISE, ...constants]);
    finds(t, model, { rule: 'R13', severity, node: at, fixable: false }, message);
  });
}

test('R13: int8 without anything to calibrate with', (t) => {
  const model = open([node('Relu', ['features'], ['output'])]);
  const serving = (calibrated: boolean): DoctorOptions => ({
    serving: { task: 'embedding', labels: 0, normalises: true, int8: true, calibrated },
  });
  finds(t, model, { rule: 'R13', severity: 'error', node: null }, /asks for int8, and neither/, serving(false));
  t.deepEqual(byRule(doctor(model, serving(true)), 'R13'), []);
});

const constantNode = (name: string, tensor: TensorProto) => node('Constant', [], [name], { value: tensor });
const NORM = ['gamma', 'beta', 'mean', 'variance'];
const NORM_CONSTANTS = [
  numbers('gamma', 1, 0.5, -2, 1),
  numbers('beta', 0, 1, -1, 2),
  numbers('mean', 0.1, 0.2, -0.3, 0.4),
  numbers('variance', 1, 2, 0.5, 0.25),
];

const UNFOLDED: Record<string, { nodes: NodeProto[]; constants?: TensorProto[]; at: string; message: RegExp; left: string[]; opset?: number }> = {
  'a Constant node': { nodes: [constantNode('c', scalar('', 2)), node('Mul', ['features', 'c'], ['output'])], at: "Constant 'c/Constant'", message: /1 constants are nodes/, left: ['Conv', 'Mul'] },
  'Identity in the middle': { nodes: [node('Identity', ['features'], ['same']), node('Relu', ['same'], ['output'])], at: "Identity 'same/Identity'", message: /1 nodes hand on/, left: ['Conv', 'Relu'] },
  'Identities at the end': { nodes: [node('Relu', ['features'], ['a']), node('Identity', ['a'], ['b']), node('Identity', ['b'], ['output'])], at: "Identity 'b/Identity'", message: /2 nodes hand on/, left: ['Conv', 'Relu'] },
  Dropout: { nodes: [node('Dropout', ['features'], ['same']), node('Relu', ['same'], ['output'])], at: "Dropout 'same/Dropout'", message: /1 nodes hand on/, left: ['Conv', 'Relu'] },
  'a normalisation after a convolution': { nodes: [node('BatchNormalization', ['features', ...NORM], ['output'])], constants: NORM_CONSTANTS, at: "BatchNormalization 'output/BatchNormalization'", message: /1 normalisations could be part of the convolution/, left: ['Conv'] },
  'casts that follow one another': { nodes: [node('Cast', ['features'], ['wide'], { to: DataType.DOUBLE }), node('Cast', ['wide'], ['output'], { to: DataType.FLOAT })], at: "Cast 'output/Cast'", message: /1 casts follow a cast/, left: ['Conv', 'Cast'] },
  'transpositions that undo one another': { nodes: [node('Transpose', ['features'], ['a'], { perm: [0, 2, 3, 1] }), node('Transpose', ['a'], ['b'], { perm: [0, 3, 1, 2] }), node('Relu', ['b'], ['output'])], at: "Transpose 'b/Transpose'", message: /1 transpositions follow/, left: ['Conv', 'Relu'] },
  'transpositions that are one': { nodes: [node('Transpose', ['features'], ['a'], { perm: [0, 2, 3, 1] }), node('Relu', ['a'], ['side']), node('Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3] }), node('Add', ['side', 'b'], ['output'])], at: "Transpose 'b/Transpose'", message: /1 transpositions follow/, left: ['Conv', 'Transpose', 'Relu', 'Transpose', 'Add'] },
  'arithmetic on constants': { nodes: [node('Mul', ['two', 'three'], ['six']), node('Mul', ['features', 'six'], ['output'])], constants: [scalar('two', 2), scalar('three', 3)], at: "Mul 'six/Mul'", message: /1 nodes compute from constants alone/, left: ['Conv', 'Mul'] },
  'the shape of a constant': { nodes: [node('Shape', ['weight'], ['shape']), node('Cast', ['shape'], ['sizes'], { to: DataType.FLOAT }), node('Slice', ['sizes', 'zero', 'one'], ['size']), node('Mul', ['features', 'size'], ['output'])], constants: [ints('zero', 0), ints('one', 1)], at: "Shape 'shape/Shape'", message: /1 nodes read a shape that is always the same/, left: ['Conv', 'Mul'] },
};

for (const [what, { nodes, constants = [], at, message, left }] of Object.entries(UNFOLDED)) {
  test(`R14: ${what}`, (t) => {
    const model = open(nodes, constants);
    const findings = byRule(doctor(model), 'R14').filter((finding) => finding.node === at);
    t.like(findings[0], { severity: 'info', fixable: true });
    t.regex(findings[0]?.message ?? '', message);
    const { model: fixed } = fixes(t, model, { rule: 'R14', tolerance: 2e-6 });
    t.deepEqual(
      fixed.graph.node.map(({ opType }) => opType),
      left,
    );
  });
}

test('R14: a network that is still training', (t) => {
  const norm = node('BatchNormalization', ['features', ...NORM], ['output', 'm', 'v'], { training_mode: 1 });
  finds(t, open([norm], NORM_CONSTANTS), { rule: 'R14', severity: 'error', node: "BatchNormalization 'output/BatchNormalization'", fixable: false }, /1 nodes behave as in training/);
});

/** Down to a 16th, and up again beside what came on the way: 40 pixels are 20, 10, 5 and 3. */
function pyramid(side: number): OnnxModel {
  const down = (input: string, output: string) =>
    node('Conv', [input, 'kernel'], [output], { strides: [2, 2], pads: [0, 0, 0, 0] });
  return convThen(
    [
      down('features', 'a'),
      down('a', 'b'),
      down('b', 'c'),
      node('Resize', ['c', '', 'scales'], ['up'], { mode: 'nearest' }),
      node('GlobalAveragePool', ['up'], ['u']),
      node('Add', ['b', 'u'], ['output']),
    ],
    [POINTWISE, numbers('scales', 1, 1, 2, 2)],
    { input: ['batch', 3, side, side] },
  );
}

test('R15: a size that is no multiple of the largest stride', (t) => {
  finds(t, pyramid(40), { rule: 'R15', severity: 'warning', node: null, fixable: false }, /40x40 is no multiple of 16, the largest stride/);
  t.deepEqual(byRule(doctor(pyramid(48)), 'R15'), []);
  finds(t, pyramid(48), { rule: 'R15' }, /48x40 is no multiple/, { height: 40 });
  const flat = convThen([node('Relu', ['features'], ['output'])], [], { input: ['batch', 3, 9, 9] });
  finds(t, flat, { rule: 'R15', severity: 'info' }, /9x9 is no multiple of 2/);
});

/** A network that scales its picture first. */
function scaling(): OnnxModel {
  return makeModel({
    name: 'scaling',
    nodes: [node('Div', ['input', 'most'], ['pixels']), node('Relu', ['pixels'], ['output'])],
    inputs: [valueInfo('input', OPEN)],
    outputs: [valueInfo('output', OPEN)],
    initializers: [scalar('most', 255)],
  });
}

test('R16: pictures that are scaled in the graph, and again by the configuration', (t) => {
  const at = "Div 'pixels/Div'";
  finds(t, scaling(), { rule: 'R16', severity: 'info', node: at }, /the graph scales the picture itself$/);
  const serving = { task: 'embedding', labels: 0, normalises: true, int8: false, calibrated: false };
  finds(t, scaling(), { rule: 'R16', severity: 'warning', node: at }, /and config\.yaml does so too/, { serving });
});

test('R16: scores that come out of an activation', (t) => {
  const model = open([node('Sigmoid', ['features'], ['scores']), node('Flatten', ['scores'], ['output'])]);
  finds(t, model, { rule: 'R16', severity: 'info', node: "Sigmoid 'scores/Sigmoid'" }, /'output' comes out of Sigmoid/);
});

test('R16: pictures with their channels last', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [], { inputs: [valueInfo('pictures', ['batch', 8, 8, 3])] });
  model.graph.node.unshift(node('Transpose', ['pictures'], ['input'], { perm: [0, 3, 1, 2] }));
  finds(t, model, { rule: 'R16', severity: 'warning', node: "Transpose 'input/Transpose'" }, /channels last/);
});
