import test from 'ava';
import { GraphProto, AttributeProto, AttributeProto_AttributeType, type NodeProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { retinaFace } from './face-detectors.js';
import { convThen, kernel } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R1 to R5 and R20: batches and sizes, and what the fix makes of them in Python's runtime. */

const OPEN = ['batch', 3, 8, 8] as const;
const index = (name: string, value: number) => int64Tensor(name, [value], []);

/** A dim of `features` as a vector of one number. */
function dim(output: string, place: string): NodeProto[] {
  return [
    node('Gather', ['shape', place], [`${output}.scalar`]),
    node('Unsqueeze', [`${output}.scalar`, 'zero'], [output]),
  ];
}

const FLAT = [
  node('Shape', ['features'], ['shape']),
  ...dim('n', 'at0'),
  ...dim('h', 'at2'),
  ...dim('w', 'at3'),
  node('Mul', ['h', 'w'], ['cells']),
  node('Concat', ['n', 'channels', 'cells'], ['target'], { axis: 0 }),
  node('Reshape', ['features', 'target'], ['output']),
];
const FLAT_CONSTANTS = [index('at0', 0), index('at2', 2), index('at3', 3), ints('zero', 0), ints('channels', 4)];

test('R1: a Reshape to what is computed from the shape of its input', (t) => {
  const model = convThen(FLAT, FLAT_CONSTANTS, { input: OPEN });
  const expected = { rule: 'R1', severity: 'warning', node: "Reshape 'output/Reshape'", fixable: true } as const;
  finds(t, model, { ...expected, mendedAtLoad: false }, /computed from the shape of 'features', which Shape 'shape\/Shape'/);
  const { changes, model: fixed } = fixes(t, model, { rule: 'R1' });
  t.deepEqual(
    fixed.graph.node.map(({ opType }) => opType),
    ['Conv', 'Reshape'],
  );
  t.true(changes.includes("Reshape 'output/Reshape': computed target -> [0, 4, 16]"));
});

test('R1: a batch that is read from a tensor is as it should be', (t) => {
  const nodes = [
    node('Shape', ['features'], ['shape']),
    ...dim('n', 'at0'),
    node('Concat', ['n', 'rest'], ['target'], { axis: 0 }),
    node('Reshape', ['features', 'target'], ['output']),
  ];
  const model = convThen(nodes, [index('at0', 0), ints('zero', 0), ints('rest', 64)], { input: OPEN });
  t.deepEqual(byRule(doctor(model), 'R1'), []);
});

test('R1: a grid that is computed from the shape becomes constants', (t) => {
  const nodes = [
    node('Shape', ['features'], ['shape']),
    node('Gather', ['shape', 'at3'], ['w']),
    node('Range', ['start', 'w', 'step'], ['columns']),
    node('Cast', ['columns'], ['offsets'], { to: DataType.FLOAT }),
    node('Add', ['features', 'offsets'], ['output']),
  ];
  const model = convThen(nodes, [index('at3', 3), index('start', 0), index('step', 1)], { input: OPEN });
  finds(t, model, { rule: 'R1', node: "Range 'columns/Range'", fixable: true }, /computed from the shape/);
  const { model: fixed } = fixes(t, model, { rule: 'R1' });
  t.deepEqual(
    fixed.graph.node.map(({ opType }) => opType),
    ['Conv', 'Add'],
  );
});

test('R1: an Expand and a Slice by the shape of a tensor', (t) => {
  const nodes = [
    node('Shape', ['features'], ['shape']),
    node('Expand', ['bias', 'shape'], ['biases']),
    node('Add', ['features', 'biases'], ['sum']),
    node('Slice', ['shape', 'two', 'three', 'zero'], ['h']),
    node('Div', ['h', 'two'], ['half']),
    node('Slice', ['sum', 'zero', 'half', 'two'], ['output']),
  ];
  const constants = [floatTensor('bias', [1, 4, 1, 1], noise(4)), ints('zero', 0), ints('two', 2), ints('three', 3)];
  const model = convThen(nodes, constants, { input: OPEN });
  const findings = byRule(doctor(model), 'R1');
  t.deepEqual(
    findings.map((finding) => [finding.node, finding.place]),
    [
      ["Expand 'biases/Expand'", 'node 3 of 7'],
      ["Slice 'output/Slice'", 'node 7 of 7'],
    ],
  );
  // What is stretched over the batch has to know it.
  t.deepEqual(
    findings.map(({ fixable }) => fixable),
    [false, true],
  );
});

/** An If with a branch for each outcome, which work on the values around them. */
function choice(condition: string, output: string, yes: readonly NodeProto[], no: readonly NodeProto[]): NodeProto {
  const branch = (name: string, nodes: readonly NodeProto[]) =>
    AttributeProto.fromPartial({
      name,
      type: AttributeProto_AttributeType.GRAPH,
      g: GraphProto.fromPartial({
        name,
        node: [...nodes],
        output: [valueInfo(nodes.at(-1)?.output[0] ?? '', null)],
      }),
    });
  const made = node('If', [condition], [output]);
  return { ...made, attribute: [branch('then_branch', yes), branch('else_branch', no)] };
}

/** What exporters write for a squeeze of an axis that may be 1. */
const SQUEEZE: readonly NodeProto[] = [
  node('GlobalAveragePool', ['features'], ['pooled']),
  node('Shape', ['pooled'], ['shape']),
  node('Gather', ['shape', 'at2'], ['height']),
  node('Equal', ['height', 'one'], ['isOne']),
  choice(
    'isOne',
    'output',
    [node('Squeeze', ['pooled', 'axes'], ['squeezed'])],
    [node('Identity', ['pooled'], ['kept'])],
  ),
];

test('R9 and R14: an If that shapes decide gives way to its branch', (t) => {
  const constants = [index('at2', 2), index('one', 1), ints('axes', 2)];
  const model = convThen(SQUEEZE, constants, { input: OPEN });
  finds(t, model, { rule: 'R9', severity: 'warning', node: "If 'output/If'", fixable: true }, /depends on the data/);
  const { model: fixed, changes } = fixes(t, model, { rule: 'R9' });
  t.deepEqual(
    fixed.graph.node.map(({ opType }) => opType),
    ['Conv', 'GlobalAveragePool', 'Squeeze'],
  );
  t.regex(changes.join('\n'), /If 'output\/If': its then branch is always taken/);
});

test('rules look into the branches of an If, and say where they found something', (t) => {
  const nodes = [
    node('ReduceMax', ['features'], ['most'], { keepdims: 0 }),
    node('Greater', ['most', 'limit'], ['isMuch']),
    choice(
      'isMuch',
      'output',
      [node('Reshape', ['features', 'target'], ['flat'])],
      [node('Flatten', ['features'], ['other'])],
    ),
  ];
  const model = convThen(nodes, [floatTensor('limit', [], Float32Array.of(9)), ints('target', 1, 64)], {
    input: OPEN,
  });
  const place = "node 1 of 1 in the then_branch of If 'output/If'";
  finds(t, model, { rule: 'R3', severity: 'warning', node: "Reshape 'flat/Reshape'", place }, /literal that may be a batch/);
  finds(t, model, { rule: 'R9', fixable: false }, /depends on the data/);
});

function upsampled(mode: string): OnnxModel {
  return convThen(
    [node('Upsample', ['features', 'scales'], ['output'], { mode })],
    [floatTensor('scales', [4], Float32Array.of(1, 1, 2, 3))],
    { input: OPEN, opset: 9 },
  );
}

for (const mode of ['nearest', 'linear']) {
  test(`R2: Upsample (${mode}) becomes a Resize that answers alike`, (t) => {
    const expected = { rule: 'R2', severity: 'warning', node: "Upsample 'output/Upsample'", fixable: true } as const;
    finds(t, upsampled(mode), expected, /withdrawn from ONNX in opset 10/);
    const { model, changes } = fixes(t, upsampled(mode), { rule: 'R2' });
    t.is(model.graph.node[1]?.opType, 'Resize');
    t.true(changes.includes('opset 9 -> 11'));
  });
}

test('R2: a Resize to computed sizes becomes one by scales', (t) => {
  const nodes = [
    node('Shape', ['features'], ['small']),
    node('Mul', ['small', 'factors'], ['sizes']),
    node('Resize', ['features', '', '', 'sizes'], ['output'], { mode: 'linear' }),
  ];
  const model = convThen(nodes, [ints('factors', 1, 1, 2, 2)], { input: OPEN });
  finds(t, model, { rule: 'R2', node: "Resize 'output/Resize'", fixable: true }, /computed while the model runs/);
  fixes(t, model, { rule: 'R2' });
});

test('R3 and R4: a batch of 1 in the input and in a Reshape is opened', (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 1, 64)]);
  finds(t, model, { rule: 'R3', node: "Reshape 'output/Reshape'", fixable: true, mendedAtLoad: true }, /\[1, 64\] -> \[0, 64\]/);
  fixes(t, model, { rule: 'R3' });
  fixes(t, model, { rule: 'R4' });
});

test('R5: an old opset is raised, and what were attributes become inputs', (t) => {
  const nodes = [
    node('BatchNormalization', ['features', 'gamma', 'beta', 'mean', 'variance'], ['normal']),
    node('Pad', ['normal'], ['padded'], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: { float: 0.25 } }),
    node('Clip', ['padded'], ['clipped'], { min: { float: -0.5 }, max: { float: 0.75 } }),
    node('Slice', ['clipped'], ['sliced'], { starts: [1, 0], ends: [5, 9_223_372_036_854_774_784], axes: [2, 3] }),
    node('TopK', ['sliced'], ['output', 'places'], { k: 3, axis: 3 }),
  ];
  const constants = [
    floatTensor('gamma', [4], noise(4)),
    floatTensor('beta', [4], noise(4, 2)),
    floatTensor('mean', [4], noise(4, 3)),
    floatTensor('variance', [4], Float32Array.of(1, 2, 3, 4)),
  ];
  const model = convThen(nodes, constants, { input: OPEN, opset: 9 });
  finds(t, model, { rule: 'R5', severity: 'warning', node: null, fixable: true }, /opset 9 is older than 11/);
  fixes(t, model, { rule: 'R5' });
});

test('R5: an old opset with an operator that is not certain to mean the same stays', (t) => {
  const scan = node('TopK', ['features', 'k'], ['output', 'places'], { axis: 3 });
  const upsample = node('Upsample', ['output', 'scales'], ['small'], { mode: 'nearest' });
  const model = convThen([scan, upsample], [floatTensor('scales', [4], Float32Array.of(1, 1, 0.5, 0.5)), ints('k', 2)], {
    input: OPEN,
    opset: 9,
  });
  finds(t, model, { rule: 'R5', fixable: false }, /opset 9/);
});

test('R20: the heads of a face detector are laid out anew for another size and batch', (t) => {
  const model = retinaFace({ width: 64, height: 64 });
  const options = { width: 128, height: 96 };
  finds(t, model, { rule: 'R20', severity: 'warning', fixable: true }, /9 of its 9 head Reshapes/, options);
  const { model: fixed } = fixesForSize(t, model, options);
  t.is(byRule(doctor(fixed), 'R20')[0]?.severity, 'info');
});

function fixesForSize(t: Parameters<typeof fixes>[0], model: OnnxModel, options: { width: number; height: number }) {
  return fixes(t, model, { rule: 'R3', options, original: retinaFace(options) });
}

test('R4: inputs that list weights, of a format that must, are fixed with it', (t) => {
  const model = makeModel({
    name: 'listed',
    nodes: [node('Conv', ['input', 'weight'], ['output'], { strides: [2, 2] })],
    inputs: [valueInfo('input', [1, 3, 8, 8]), valueInfo('weight', [4, 3, 3, 3])],
    outputs: [valueInfo('output', [1, 4, 3, 3])],
    initializers: [kernel('weight', 4)],
    irVersion: 3,
    opset: 9,
  });
  fixes(t, model, { rule: 'R4' });
});
