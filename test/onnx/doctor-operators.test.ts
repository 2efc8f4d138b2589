import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { node, valueInfo } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import { DataType, floatTensor, int64Tensor, tensorOf } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { convThen } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R6 and R9 to R11: operators and types. */

const OPEN = ['batch', 3, 8, 8] as const;
const open = (nodes: readonly NodeProto[], constants: readonly TensorProto[] = [], opset = 17) =>
  convThen(nodes, constants, { input: OPEN, opset });
const numbers = (name: string, ...values: number[]) => floatTensor(name, [values.length], Float32Array.from(values));
const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

test('R6: values written into a slice', (t) => {
  const scatter = node('ScatterND', ['features', 'places', 'values'], ['output']);
  const places = int64Tensor('places', [0, 0], [1, 2]);
  const model = open([scatter], [places, floatTensor('values', [1, 4, 4], noise(16))]);
  finds(
    t,
    model,
    { rule: 'R6', severity: 'warning', node: "ScatterND 'output/ScatterND'", fixable: false },
    /places that are always the same/,
  );
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
    nodes: [
      node('Greater', ['features', 'zero'], ['big']),
      node('Reshape', ['big', 'flat'], ['list']),
      node('Compress', ['features', 'list'], ['output']),
    ],
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
    finds(
      t,
      open(nodes, constants),
      { rule: 'R9', severity: 'warning', node: `${opType} 'output/${opType}'`, fixable: false },
      message,
    );
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

const OPERATORS: Record<
  string,
  { made: NodeProto; severity: 'error' | 'warning' | 'info'; message: RegExp; opset?: number }
> = {
  'a name that is in no standard': {
    made: node('Mystery', ['features'], ['output']),
    severity: 'error',
    message: /'Mystery' is no operator of ONNX/,
  },
  'a domain of nobody': {
    made: { ...node('Swish', ['features'], ['output']), domain: 'acme' },
    severity: 'error',
    message: /domain 'acme' is in no runtime/,
  },
  'an operator of ONNX Runtime': {
    made: { ...node('FusedConv', ['features'], ['output']), domain: 'com.microsoft' },
    severity: 'warning',
    message: /operator of com\.microsoft/,
  },
  'a plugin': {
    made: node('Plugin', ['features'], ['output'], { name: 'HSwish', info: '{"a": 1}' }),
    severity: 'error',
    message: /asks for the plugin 'HSwish' with \{"a": 1\}/,
  },
  'an operator newer than the opset': {
    made: node('HardSwish', ['features'], ['output']),
    severity: 'error',
    message: /HardSwish came with opset 14, and the file asks for 13/,
    opset: 13,
  },
  'an operator older than the opset': {
    made: node('Upsample', ['features', 'scales'], ['output']),
    severity: 'error',
    message: /Upsample is not in opset 17 any more; it is Resize/,
  },
  'deformable convolution': {
    made: node('DeformConv', ['features', 'weight', 'features'], ['output']),
    severity: 'info',
    message: /deformable/,
    opset: 19,
  },
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
  finds(
    t,
    model,
    { rule: 'R11', severity: 'warning', node: "Cast 'wide/Cast'", fixable: true },
    /64-bit floats: 1 casts and 0 constants/,
  );
  fixes(t, model, { rule: 'R11' });
});

test('R11: a constant of 64-bit floats', (t) => {
  const wide = tensorOf('wide', [1, 2, 3, 4], [4], DataType.DOUBLE);
  if (wide === null) return t.fail();
  const model = open(
    [node('Cast', ['wide'], ['narrow'], { to: DataType.FLOAT }), node('Add', ['features', 'narrow'], ['output'])],
    [wide],
  );
  finds(
    t,
    model,
    { rule: 'R11', severity: 'warning', node: "Cast 'narrow/Cast'", fixable: true },
    /0 casts and 1 constants/,
  );
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
  finds(
    t,
    add(2 ** 40),
    { rule: 'R11', severity: 'warning', node: "Add 'moved/Add'" },
    /1 constants of 64 bits .* 'offset' first/,
  );
  t.deepEqual(byRule(doctor(add(2 ** 30)), 'R11'), []);
  const slice = open(
    [node('Slice', ['features', 'zero', 'end', 'axis'], ['output'])],
    [ints('zero', 0), ints('end', 2 ** 40), ints('axis', 2)],
  );
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
