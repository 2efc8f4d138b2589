import test from 'ava';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { retinaFace } from './face-detectors.js';
import { convThen, kernel } from './models.js';
import { ints } from './rewriting.js';
import { noise } from './run-model.js';

/** R2 to R5 and R20: batches, sizes and opsets, and what the fix makes of them in Python's runtime. */

const OPEN = ['batch', 3, 8, 8] as const;

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
  finds(
    t,
    model,
    { rule: 'R3', node: "Reshape 'output/Reshape'", fixable: true, mendedAtLoad: true },
    /\[1, 64\] -> \[0, 64\]/,
  );
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
  const model = convThen(
    [scan, upsample],
    [floatTensor('scales', [4], Float32Array.of(1, 1, 0.5, 0.5)), ints('k', 2)],
    {
      input: OPEN,
      opset: 9,
    },
  );
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
