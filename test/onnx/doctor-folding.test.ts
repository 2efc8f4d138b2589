import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { node } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import { DataType, floatTensor } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { convThen } from './models.js';
import { ints } from './rewriting.js';

/** R14: what could have been computed beforehand. */

const OPEN = ['batch', 3, 8, 8] as const;
const open = (nodes: readonly NodeProto[], constants: readonly TensorProto[] = [], opset = 17) =>
  convThen(nodes, constants, { input: OPEN, opset });
const numbers = (name: string, ...values: number[]) => floatTensor(name, [values.length], Float32Array.from(values));
const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

const constantNode = (name: string, tensor: TensorProto) => node('Constant', [], [name], { value: tensor });
const NORM = ['gamma', 'beta', 'mean', 'variance'];
const NORM_CONSTANTS = [
  numbers('gamma', 1, 0.5, -2, 1),
  numbers('beta', 0, 1, -1, 2),
  numbers('mean', 0.1, 0.2, -0.3, 0.4),
  numbers('variance', 1, 2, 0.5, 0.25),
];

const UNFOLDED: Record<
  string,
  { nodes: NodeProto[]; constants?: TensorProto[]; at: string; message: RegExp; left: string[]; opset?: number }
> = {
  'a Constant node': {
    nodes: [constantNode('c', scalar('', 2)), node('Mul', ['features', 'c'], ['output'])],
    at: "Constant 'c/Constant'",
    message: /1 constants are nodes/,
    left: ['Conv', 'Mul'],
  },
  'Identity in the middle': {
    nodes: [node('Identity', ['features'], ['same']), node('Relu', ['same'], ['output'])],
    at: "Identity 'same/Identity'",
    message: /1 nodes hand on/,
    left: ['Conv', 'Relu'],
  },
  'Identities at the end': {
    nodes: [node('Relu', ['features'], ['a']), node('Identity', ['a'], ['b']), node('Identity', ['b'], ['output'])],
    at: "Identity 'b/Identity'",
    message: /2 nodes hand on/,
    left: ['Conv', 'Relu'],
  },
  Dropout: {
    nodes: [node('Dropout', ['features'], ['same']), node('Relu', ['same'], ['output'])],
    at: "Dropout 'same/Dropout'",
    message: /1 nodes hand on/,
    left: ['Conv', 'Relu'],
  },
  'a normalisation after a convolution': {
    nodes: [node('BatchNormalization', ['features', ...NORM], ['output'])],
    constants: NORM_CONSTANTS,
    at: "BatchNormalization 'output/BatchNormalization'",
    message: /1 normalisations could be part of the convolution/,
    left: ['Conv'],
  },
  'casts that follow one another': {
    nodes: [
      node('Cast', ['features'], ['wide'], { to: DataType.DOUBLE }),
      node('Cast', ['wide'], ['output'], { to: DataType.FLOAT }),
    ],
    at: "Cast 'output/Cast'",
    message: /1 casts follow a cast/,
    left: ['Conv', 'Cast'],
  },
  'transpositions that undo one another': {
    nodes: [
      node('Transpose', ['features'], ['a'], { perm: [0, 2, 3, 1] }),
      node('Transpose', ['a'], ['b'], { perm: [0, 3, 1, 2] }),
      node('Relu', ['b'], ['output']),
    ],
    at: "Transpose 'b/Transpose'",
    message: /1 transpositions follow/,
    left: ['Conv', 'Relu'],
  },
  'transpositions that are one': {
    nodes: [
      node('Transpose', ['features'], ['a'], { perm: [0, 2, 3, 1] }),
      node('Relu', ['a'], ['side']),
      node('Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3] }),
      node('Add', ['side', 'b'], ['output']),
    ],
    at: "Transpose 'b/Transpose'",
    message: /1 transpositions follow/,
    left: ['Conv', 'Transpose', 'Relu', 'Transpose', 'Add'],
  },
  'arithmetic on constants': {
    nodes: [node('Mul', ['two', 'three'], ['six']), node('Mul', ['features', 'six'], ['output'])],
    constants: [scalar('two', 2), scalar('three', 3)],
    at: "Mul 'six/Mul'",
    message: /1 nodes compute from constants alone/,
    left: ['Conv', 'Mul'],
  },
  'the shape of a constant': {
    nodes: [
      node('Shape', ['weight'], ['shape']),
      node('Cast', ['shape'], ['sizes'], { to: DataType.FLOAT }),
      node('Slice', ['sizes', 'zero', 'one'], ['size']),
      node('Mul', ['features', 'size'], ['output']),
    ],
    constants: [ints('zero', 0), ints('one', 1)],
    at: "Shape 'shape/Shape'",
    message: /1 nodes read a shape that is always the same/,
    left: ['Conv', 'Mul'],
  },
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
  finds(
    t,
    open([norm], NORM_CONSTANTS),
    { rule: 'R14', severity: 'error', node: "BatchNormalization 'output/BatchNormalization'", fixable: false },
    /1 nodes behave as in training/,
  );
});
