import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { node } from '../../server/onnx/builder.js';
import { doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { byRule, finds } from './doctor-checks.js';
import { convThen } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R12 and R13: half precision and 8 bits. */

const OPEN = ['batch', 3, 8, 8] as const;
const open = (nodes: readonly NodeProto[], constants: readonly TensorProto[] = [], opset = 17) =>
  convThen(nodes, constants, { input: OPEN, opset });
const numbers = (name: string, ...values: number[]) => floatTensor(name, [values.length], Float32Array.from(values));
const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

test('R12: weights, masks and small numbers', (t) => {
  const conv = (values: Float32Array) =>
    open([node('Conv', ['features', 'kernel'], ['output'])], [floatTensor('kernel', [16, 4, 1, 1], values)]);
  finds(
    t,
    conv(noise(64).fill(70_000, 3, 4)),
    { rule: 'R12', severity: 'warning', node: "Conv 'output/Conv'" },
    /1 weights are larger than 65504, 'kernel' first/,
  );
  finds(
    t,
    conv(noise(64).fill(1e-6, 0, 32)),
    { rule: 'R12', severity: 'info' },
    /more than 20 % of numbers below 6\.1e-5/,
  );
  t.deepEqual(byRule(doctor(conv(noise(64))), 'R12'), []);
  const mask = open([node('Add', ['features', 'mask'], ['output'])], [numbers('mask', 0, -1e9, 0, 0)]);
  finds(t, mask, { rule: 'R12', severity: 'info', node: "Add 'output/Add'" }, /masks of attention/);
});

test('R12: a small epsilon, a spelled-out normalisation and a long sum', (t) => {
  const norm = node('LayerNormalization', ['features', 'scale'], ['output'], { epsilon: { float: 1e-12 } });
  finds(
    t,
    open([norm], [numbers('scale', 1, 1, 1, 1)]),
    { rule: 'R12', severity: 'info', node: "LayerNormalization 'output/LayerNormalization'" },
    /add less than 1e-7/,
  );
  const spelled = [
    node('ReduceMean', ['features'], ['mean'], { axes: [3] }),
    node('Sub', ['features', 'mean'], ['centred']),
    node('Pow', ['centred', 'two'], ['squares']),
    node('ReduceMean', ['squares'], ['variance'], { axes: [3] }),
    node('Add', ['variance', 'epsilon'], ['sum']),
    node('Sqrt', ['sum'], ['deviation']),
    node('Div', ['centred', 'deviation'], ['output']),
  ];
  finds(
    t,
    open(spelled, [scalar('two', 2), scalar('epsilon', 1e-5)]),
    { rule: 'R12', severity: 'info', node: "Div 'output/Div'" },
    /1 layer normalisations are spelled out/,
  );
  const long = convThen(
    [node('Reshape', ['features', 'flat'], ['row']), node('Softmax', ['row'], ['output'], { axis: 1 })],
    [ints('flat', -1, 4096)],
    {
      input: ['batch', 3, 64, 64],
    },
  );
  finds(
    t,
    long,
    { rule: 'R12', severity: 'info', node: "Softmax 'output/Softmax'" },
    /1 sums run over 4096 numbers or more, the first over 4096/,
  );
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

const QUANTISED: Record<
  string,
  { nodes: NodeProto[]; constants?: TensorProto[]; severity: 'error' | 'warning' | 'info'; at: string; message: RegExp }
> = {
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
    nodes: [
      ...quantised('features', 'small', 's'),
      node('Relu', ['features'], ['other']),
      node('Add', ['small', 'other'], ['output']),
    ],
    severity: 'warning',
    at: "Add 'output/Add'",
    message: /1 additions have one branch in 8 bits/,
  },
  'different scales that are put together': {
    nodes: [
      ...quantised('features', 'small', 's'),
      ...quantised('features', 'large', 's2'),
      node('Concat', ['small', 'large'], ['output'], { axis: 1 }),
    ],
    severity: 'warning',
    at: "Concat 'output/Concat'",
    message: /1 nodes put values of different scales together/,
  },
  'a layer that was left out': {
    nodes: [
      ...quantised('features', 'small', 's'),
      ...quantised('kernel', 'weights', 's'),
      product('small', 'weights', 'output'),
    ],
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
