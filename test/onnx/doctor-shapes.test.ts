import test from 'ava';
import type { NodeProto } from '../../server/gen/onnx/onnx.js';
import { ServingError } from '../../server/core/errors.js';
import { node } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { decodeModelParts, encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { choice, convThen } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R1, and R9 where shapes decide: sizes that are computed while the model runs. */

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
  finds(
    t,
    model,
    { ...expected, mendedAtLoad: false },
    /computed from the shape of 'features', which Shape 'shape\/Shape'/,
  );
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
  finds(
    t,
    model,
    { rule: 'R3', severity: 'warning', node: "Reshape 'flat/Reshape'", place },
    /literal that may be a batch/,
  );
  finds(t, model, { rule: 'R9', fixable: false }, /depends on the data/);
});

test('R1: what shapes decide inside a branch is folded there', (t) => {
  const nodes = [
    node('ReduceMax', ['features'], ['most'], { keepdims: 0 }),
    node('Greater', ['most', 'limit'], ['isMuch']),
    choice(
      'isMuch',
      'output',
      [
        node('Shape', ['features'], ['shape']),
        node('Slice', ['shape', 'two', 'three'], ['h']),
        node('Div', ['h', 'two'], ['half']),
        node('Slice', ['features', 'zero', 'half', 'two'], ['top']),
      ],
      [node('Slice', ['features', 'two', 'four', 'two'], ['bottom'])],
    ),
  ];
  const constants = [
    floatTensor('limit', [], Float32Array.of(0)),
    ints('zero', 0),
    ints('two', 2),
    ints('three', 3),
    ints('four', 4),
  ];
  const model = convThen(nodes, constants, { input: OPEN });
  const place = "node 4 of 4 in the then_branch of If 'output/If'";
  finds(
    t,
    model,
    { rule: 'R1', node: "Slice 'top/Slice'", place, fixable: true },
    /computed from the shape of 'features'/,
  );
  const { model: fixed } = fixes(t, model, { rule: 'R1' });
  t.deepEqual(
    fixed.graph.node.at(-1)?.attribute[0]?.g?.node.map(({ opType }) => opType),
    ['Slice'],
  );
});

test('the doctor says something of a damaged model, or nothing, and fails at none', (t) => {
  const constants = [index('at2', 2), index('one', 1), ints('axes', 2)];
  const bytes = encodeModel(
    convThen(
      [...SQUEEZE.slice(0, -1), ...FLAT.slice(1), SQUEEZE.at(-1)!].map((one) => ({ ...one })),
      [...constants, ...FLAT_CONSTANTS.slice(0, 1)],
      { input: OPEN },
    ),
  );
  for (let place = 0; place < bytes.length; place++) {
    const damaged = bytes.slice();
    damaged[place] = (damaged[place] ?? 0) ^ (1 << (place % 8));
    let model: OnnxModel;
    try {
      model = decodeModelParts(damaged);
    } catch (error) {
      if (!(error instanceof ServingError)) throw error;
      continue;
    }
    t.notThrows(() => doctor(model), `bit ${place % 8} of byte ${place}`);
  }
});
