import test, { type ExecutionContext } from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { applyFixes, doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import type { Finding } from '../../server/onnx/doctor/finding.js';
import { NEWEST_IR_VERSION, NEWEST_OPSET } from '../../server/onnx/doctor/opset.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { CONV, convThen, kernel } from './models.js';
import { noise } from './run-model.js';

const RELU = node('Relu', ['features'], ['output']);
const OPEN = { input: ['batch', 3, 8, 8], output: ['batch', 4, 4, 4] } as const;
const ints = (name: string, ...values: number[]) => int64Tensor(name, values);

/** Expects exactly one finding, like `expected`, and that the fix, where there is one, is thorough. */
function finds(
  t: ExecutionContext,
  model: OnnxModel,
  expected: Partial<Finding>,
  message: RegExp,
  options: DoctorOptions = {},
) {
  const findings = doctor(model, options);
  t.is(findings.length, 1, JSON.stringify(findings, null, 2));
  const [finding] = findings;
  if (finding === undefined) return;
  t.like(finding, expected);
  t.regex(finding.message, message);
  t.not(finding.why, '');
  if (finding.fixable) t.deepEqual(doctor(applyFixes(model, options).model, options), []);
}

const byRule = (findings: readonly Finding[], rule: Finding['rule']) =>
  findings.filter((finding) => finding.rule === rule);

test('a model exported by the rules has no findings', (t) => {
  t.deepEqual(doctor(convThen([RELU], [], OPEN)), []);
  t.deepEqual(doctor(convThen([RELU], [], { input: ['N', 3, 8, 8], output: ['N', 4, 4, 4] })), []);
});

test('R4: a fixed batch', (t) => {
  const model = convThen([RELU], [], { ...OPEN, input: [10, 3, 8, 8] });
  finds(t, model, { rule: 'R4', severity: 'warning', fixable: true }, /fixed batch of 10: \[10, 3, 8, 8\]/);
});

test('R4: an open height', (t) => {
  const model = convThen([RELU], [], { ...OPEN, input: ['batch', 3, 'h', 8] });
  finds(t, model, { rule: 'R4', severity: 'info', fixable: false }, /open height or width/);
  finds(t, model, { rule: 'R4', severity: 'info', fixable: true }, /open height or width/, { height: 8 });
});

test('R4: weights among the inputs', (t) => {
  const inputs = [valueInfo('input', OPEN.input), valueInfo('weight', [4, 3, 3, 3])];
  const model = convThen([RELU], [], { ...OPEN, inputs });
  finds(t, model, { rule: 'R4', severity: 'warning', fixable: true }, /1 of 1 weights are listed as inputs/);
});

test('R4: outputs that are declared other than they are', (t) => {
  const stale = convThen([RELU], [], { ...OPEN, output: ['batch', 4, 16, 16] });
  finds(
    t,
    stale,
    { rule: 'R4', severity: 'warning', fixable: true },
    /'output' \[batch, 4, 16, 16\] is \[batch, 4, 4, 4\]/,
  );
  const symbol = convThen([RELU], [], { ...OPEN, output: ['n', 4, 4, 4] });
  finds(t, symbol, { rule: 'R4', severity: 'warning', fixable: true }, /'output' \[n, 4, 4, 4\] is \[batch, 4, 4, 4\]/);
});

test('R4: an input that is no picture', (t) => {
  const model = convThen([RELU], [], { ...OPEN, inputs: [valueInfo('input', ['batch', 5, 8, 8])] });
  finds(t, model, { rule: 'R4', severity: 'error', fixable: false }, /has 5 channels/);
});

test('R4: a constant that does not fit the size to be served', (t) => {
  const add = node('Add', ['features', 'grid'], ['output']);
  const model = convThen([add], [floatTensor('grid', [1, 1, 4, 4], noise(16))], OPEN);
  t.deepEqual(doctor(model), []);
  finds(t, model, { rule: 'R4', severity: 'error' }, /^Add 'output\/Add'/, { width: 16, height: 16 });
});

test('R5: operators older than 11, and older than the runtime', (t) => {
  finds(
    t,
    convThen([RELU], [], { ...OPEN, opset: 10 }),
    { rule: 'R5', severity: 'warning' },
    /opset 10 is older than 11/,
  );
  finds(t, convThen([RELU], [], { ...OPEN, opset: 6 }), { rule: 'R5', severity: 'error' }, /opset 6 is outside 7 to/);
});

test('R5: a file newer than the runtime', (t) => {
  const model = convThen([RELU], [], { ...OPEN, irVersion: NEWEST_IR_VERSION + 1 });
  finds(t, model, { rule: 'R5', severity: 'error' }, /ir_version 14 is outside 3 to 13/);
});

test('R5: what counts as newest is the newest that ONNX Runtime reads', async (t) => {
  const load = (opset: number, irVersion: number) => {
    const model = makeModel({
      name: 'newest',
      nodes: [node('Relu', ['x'], ['y'])],
      inputs: [valueInfo('x', [1])],
      outputs: [valueInfo('y', [1])],
      opset,
      irVersion,
    });
    return ort.InferenceSession.create(encodeModel(model), { logSeverityLevel: 4 });
  };
  await t.notThrowsAsync(load(NEWEST_OPSET, NEWEST_IR_VERSION));
  await t.throwsAsync(load(NEWEST_OPSET + 1, NEWEST_IR_VERSION));
  await t.throwsAsync(load(NEWEST_OPSET, NEWEST_IR_VERSION + 1));
});

test('R5: quantisation by channel before it was there', (t) => {
  const quantise = node('QuantizeLinear', ['features', 'scale', 'zero'], ['output'], { axis: 1 });
  const constants = [floatTensor('scale', [4], noise(4)), ints('zero', 0)];
  finds(
    t,
    convThen([quantise], constants, { ...OPEN, opset: 12 }),
    { rule: 'R5', severity: 'error' },
    /quantises by channel/,
  );
  t.deepEqual(doctor(convThen([quantise], constants, OPEN)), []);
});

test('R5: layer normalisation operator by operator', (t) => {
  const nodes = [
    node('ReduceMean', ['features'], ['mean'], { axes: [3] }),
    node('Sub', ['features', 'mean'], ['centred']),
    node('Pow', ['centred', 'two'], ['squares']),
    node('ReduceMean', ['squares'], ['variance'], { axes: [3] }),
    node('Add', ['variance', 'epsilon'], ['sum']),
    node('Sqrt', ['sum'], ['deviation']),
    node('Div', ['centred', 'deviation'], ['output']),
  ];
  const constants = [floatTensor('two', [], Float32Array.of(2)), floatTensor('epsilon', [], Float32Array.of(1e-5))];
  const model = convThen(nodes, constants, { ...OPEN, opset: 16 });
  finds(t, model, { rule: 'R5', severity: 'info', node: "Div 'output/Div'" }, /1 layer normalisations/);
});

test('R2: Upsample', (t) => {
  const upsample = node('Upsample', ['features', 'scales'], ['output'], { mode: 'nearest' });
  const model = convThen([upsample], [floatTensor('scales', [4], Float32Array.of(1, 1, 2, 2))], {
    input: OPEN.input,
    output: ['batch', 4, 8, 8],
    opset: 9,
  });
  const [first, ...others] = doctor(model);
  t.like(first, { rule: 'R5', severity: 'warning' });
  t.like(others, [{ rule: 'R2', severity: 'warning', message: 'Upsample was withdrawn from ONNX in opset 10' }]);
});

/** A Resize with its third and fourth input. */
function resize(scales: string, sizes: string, attributes: Record<string, string> = { mode: 'linear' }) {
  return node('Resize', ['features', '', scales, ...(sizes === '' ? [] : [sizes])], ['output'], attributes);
}
const LARGE = { input: OPEN.input, output: ['batch', 4, 8, 8] } as const;
const TWICE = floatTensor('scales', [4], Float32Array.of(1, 1, 2, 2));

test('R2: a Resize by constant scales is clean', (t) => {
  t.deepEqual(doctor(convThen([resize('scales', '')], [TWICE], LARGE)), []);
});

test('R2: a Resize to literal sizes', (t) => {
  const model = convThen([resize('', 'sizes')], [ints('sizes', 1, 4, 8, 8)], LARGE);
  finds(t, model, { rule: 'R2', severity: 'warning', fixable: true }, /sizes \[1, 4, 8, 8\] -> scales \[1, 1, 2, 2\]/);
});

test('R2: a Resize to literal sizes that are no multiple', (t) => {
  const model = convThen([resize('', 'sizes')], [ints('sizes', 1, 4, 7, 7)], LARGE);
  finds(t, model, { rule: 'R2', severity: 'error', fixable: false }, /no plain multiple/);
});

test('R2: a Resize to sizes that are computed', (t) => {
  const nodes = [
    node('Shape', ['features'], ['small']),
    node('Mul', ['small', 'factors'], ['sizes']),
    resize('', 'sizes'),
  ];
  const model = convThen(nodes, [ints('factors', 1, 1, 2, 2)], LARGE);
  finds(
    t,
    model,
    { rule: 'R2', severity: 'warning', fixable: true, mendedAtLoad: false },
    /computed while the model runs/,
  );
});

test('R2: a Resize that is not of height and width alone', (t) => {
  const scales = floatTensor('scales', [4], Float32Array.of(1, 2, 1, 1));
  const model = convThen([resize('scales', '', { mode: 'nearest' })], [scales], {
    ...LARGE,
    output: ['batch', 8, 4, 4],
  });
  finds(t, model, { rule: 'R2', severity: 'error' }, /scales \[1, 2, 1, 1\] are not 1, 1/);
});

test('R2: modes that runtimes differ in', (t) => {
  const cubic = convThen([resize('scales', '', { mode: 'cubic' })], [TWICE], LARGE);
  finds(t, cubic, { rule: 'R2', severity: 'warning' }, /mode is cubic/);
  const crop = { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' };
  finds(
    t,
    convThen([resize('scales', '', crop)], [TWICE], LARGE),
    { rule: 'R2' },
    /coordinate_transformation_mode is tf_crop/,
  );
});

const RESHAPE = node('Reshape', ['features', 'target'], ['output']);

test('R3: a Reshape with the batch open and the rest fixed is clean', (t) => {
  const flat = { input: OPEN.input, output: ['batch', 64] } as const;
  t.deepEqual(doctor(convThen([RESHAPE], [ints('target', -1, 64)], flat)), []);
});

test('R3: a Reshape to a batch of 1', (t) => {
  const model = convThen([RESHAPE], [ints('target', 1, 64)], { input: OPEN.input, output: ['batch', 64] });
  finds(t, model, { rule: 'R3', severity: 'warning', fixable: true }, /target \[1, 64\] -> \[0, 64\]/);
});

test('R3: a Reshape to a batch that is not the one of the export', (t) => {
  const model = convThen([RESHAPE], [ints('target', 2, 32)], { input: OPEN.input, output: ['batch', 32] });
  const [first, second, ...others] = doctor(model);
  t.like(first, { rule: 'R4', severity: 'error', fixable: false });
  t.regex(first?.message ?? '', /\[\?, 32\] with several rows a picture/);
  t.like(second, { rule: 'R3', severity: 'warning', node: "Reshape 'output/Reshape'" });
  t.deepEqual(others, []);
});

test('R3: a Reshape to the size of the exported picture', (t) => {
  const model = convThen([RESHAPE], [ints('target', 0, 4, 16)], { input: OPEN.input });
  t.deepEqual(byRule(doctor(model), 'R3'), []);
  const size = { width: 16, height: 16 };
  const [finding, ...others] = byRule(doctor(model, size), 'R3');
  t.like(finding, { severity: 'warning', fixable: true, node: "Reshape 'output/Reshape'" });
  t.regex(finding?.message ?? '', /a size of the export: target \[0, 4, 16\] -> \[0, 4, 64\]/);
  t.deepEqual(others, []);
  t.deepEqual(doctor(applyFixes(model, size).model, size), []);
});

test('R3: a Reshape that leaves another dim open', (t) => {
  const model = convThen([RESHAPE], [ints('target', 0, -1)], { input: OPEN.input, output: ['batch', 64] });
  finds(t, model, { rule: 'R3', severity: 'info', fixable: false }, /\[0, -1\] leaves a dim open/);
});

test('R3: a Slice that ends at the size of the exported picture', (t) => {
  const slice = node('Slice', ['features', 'zero', 'end', 'axis'], ['output']);
  const model = convThen([slice], [ints('zero', 0), ints('end', 4), ints('axis', 2)], OPEN);
  t.deepEqual(doctor(model), []);
  finds(t, model, { rule: 'R3', severity: 'error' }, /ends at 4 along axis 2/, { width: 16, height: 16 });
});

test('R18: a value that two nodes produce', (t) => {
  const twice = node('Tanh', ['features'], ['output']);
  finds(
    t,
    convThen([RELU, twice], [], OPEN),
    { rule: 'R18', severity: 'error' },
    /'output' is produced more than once/,
  );
});

test('R18: a weight that is there twice', (t) => {
  const model = convThen([RELU], [kernel('weight', 4)], OPEN);
  finds(t, model, { rule: 'R18', severity: 'error' }, /'weight' is produced more than once/);
});

test('R18: nodes of the same name', (t) => {
  const named = [
    { ...node('Relu', ['features'], ['a']), name: 'x' },
    { ...node('Relu', ['a'], ['output']), name: 'x' },
  ];
  finds(t, convThen(named, [], OPEN), { rule: 'R18', severity: 'info' }, /several nodes are called 'x'/);
});

test('R18: an input that nobody produces', (t) => {
  const model = convThen([node('Add', ['features', 'ghost'], ['output'])], [], { input: OPEN.input });
  const [first] = doctor(model);
  t.like(first, {
    rule: 'R18',
    severity: 'error',
    node: "Add 'output/Add'",
    message: "nobody produces its input 'ghost'",
  });
});

test('R18: nodes that are out of order', (t) => {
  const nodes = [node('Relu', ['late'], ['output']), node('Relu', ['features'], ['late'])];
  const findings = doctor(convThen(nodes, [], { input: OPEN.input }));
  t.like(findings[0], { rule: 'R18', severity: 'error', message: "its input 'late' is only produced after it" });
});

test('R18: an output that nobody produces', (t) => {
  const model = makeModel({
    name: 'broken',
    nodes: [CONV],
    inputs: [valueInfo('input', OPEN.input)],
    outputs: [valueInfo('nothing', null)],
    initializers: [kernel('weight', 4)],
  });
  const [finding, ...others] = byRule(doctor(model), 'R18');
  t.like(finding, { severity: 'error', message: "nobody produces the output 'nothing'" });
  t.deepEqual(others, []);
});

test('R18: a weight without a name', (t) => {
  const findings = doctor(convThen([RELU], [ints('', 1)], OPEN));
  t.like(findings[0], { rule: 'R18', severity: 'error', message: '1 of the weights have no name' });
});

test('R18: a weight that is shorter than it says', (t) => {
  const short = floatTensor('bias', [5], noise(4));
  const model = convThen([node('Sum', ['features', 'bias'], ['output'])], [short], { input: OPEN.input });
  const finding = doctor(model).find(({ rule }) => rule === 'R18');
  t.like(finding, { severity: 'error', message: "weight 'bias' [5] has 16 bytes instead of 20" });
});

test('R18: a weight that nothing uses', (t) => {
  const model = convThen([RELU], [ints('batches_tracked', 1)], OPEN);
  finds(t, model, { rule: 'R18', severity: 'info', fixable: true }, /1 weights are used by no node, 'batches_tracked'/);
});

test('findings come with the errors first', (t) => {
  const model = convThen([RESHAPE], [ints('target', 2, 16), ints('unused', 1)], { input: [1, 3, 8, 8], opset: 10 });
  const severities = doctor(model).map(({ severity }) => severity);
  t.deepEqual(severities, ['error', 'warning', 'warning', 'info']);
});

test('a model without a size needs one to be fixed', (t) => {
  const model = convThen([RELU], [], { ...OPEN, input: ['batch', 3, 'h', 'w'] });
  t.throws(() => applyFixes(model), { message: /give a width and a height/ });
});

const CENTERFACE = 'model-repo/centerface/1/model.onnx';

(existsSync(CENTERFACE) ? test : test.skip)(
  'centerface has the findings of its export, and after the fix notes alone',
  (t) => {
    const model = decodeModel(readFileSync(CENTERFACE));
    const size = { width: 640, height: 640 };
    const brief = (findings: readonly Finding[]) =>
      findings.map(({ rule, severity, fixable }) => [rule, severity, fixable]);
    t.deepEqual(brief(doctor(model, size)), [
      ['R4', 'warning', true],
      ['R4', 'warning', true],
      ['R4', 'warning', true],
      ['R5', 'warning', true],
      ['R18', 'info', true],
      ['R7', 'info', false],
      ['R16', 'info', false],
      ['R12', 'info', false],
    ]);
    t.deepEqual(brief(doctor(applyFixes(model, size).model)), [
      ['R7', 'info', false],
      ['R16', 'info', false],
      ['R12', 'info', false],
    ]);
  },
);

const REID = 'model-repo/reid/1/model.onnx';

(existsSync(REID) ? test : test.skip)('the model for embeddings is clean', (t) => {
  t.deepEqual(doctor(decodeModel(readFileSync(REID))), []);
});
