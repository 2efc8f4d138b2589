import test from 'ava';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { applyFixes, doctor } from '../../server/onnx/doctor/doctor.js';
import { rewriteForBuilding } from '../../server/onnx/for-building.js';
import { declaredShape, inputNames, type DeclaredDim, type OnnxModel } from '../../server/onnx/graph.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { refusal, SIZE } from './rewriting.js';
import { noise, runModel } from './run-model.js';

/** A convolution to 4 channels of half the size. */
function convolution(input: readonly DeclaredDim[], channels: number, name = 'input'): OnnxModel {
  return makeModel({
    name: 'conv',
    nodes: [node('Conv', [name, 'weight'], ['output'], { strides: [2, 2], pads: [1, 1, 1, 1] })],
    inputs: [valueInfo(name, input)],
    outputs: [valueInfo('output', null)],
    initializers: [floatTensor('weight', [4, channels, 3, 3], noise(4 * channels * 9))],
  });
}

/** As TensorFlow's converters begin a graph. */
function nhwc(input: readonly DeclaredDim[]): OnnxModel {
  const model = convolution(input, 3, 'x');
  const { graph } = model;
  graph.node = [node('Transpose', ['input'], ['x'], { perm: [0, 3, 1, 2] }), ...graph.node];
  graph.input = [valueInfo('input', input)];
  return model;
}

test('a model behind a Focus layer is brought to the size of its tensor', async (t) => {
  const { model } = rewriteModel(convolution([1, 12, 8, 8], 12), { channels: 12, width: 16, height: 12 });
  t.deepEqual(model.graph.input.map(declaredShape), [['batch', 12, 12, 16]]);
  t.deepEqual(model.graph.output.map(declaredShape), [['batch', 4, 6, 8]]);
  const { output } = await runModel(model, [2, 12, 12, 16], noise(2 * 12 * 12 * 16));
  t.deepEqual(output?.dims, [2, 4, 6, 8]);
});

test('a model of grey pictures is served when grey pictures are what it is fed', (t) => {
  const { model } = rewriteModel(convolution([1, 1, 8, 8], 1), { ...SIZE, channels: 1 });
  t.deepEqual(model.graph.input.map(declaredShape), [['batch', 1, 8, 8]]);
});

test('channels that are left open are those that are served', (t) => {
  const { model } = rewriteModel(convolution(['n', 'c', 8, 8], 12), { ...SIZE, channels: 12 });
  t.deepEqual(model.graph.input.map(declaredShape), [['batch', 12, 8, 8]]);
});

for (const [channels, served, advice] of [
  [12, undefined, /has 12 channels \[1, 12, 8, 8\] and would be fed 3: .*set preprocess\.focus to true/],
  [3, 12, /has 3 channels .* and would be fed 12: .*preprocess\.focus to false/],
  [1, undefined, /has 1 channels .* and would be fed 3: set preprocess\.color to gray/],
  [3, 1, /has 3 channels .* and would be fed 1: set preprocess\.color to rgb or bgr/],
  [5, undefined, /has 5 channels .*; pictures have 3, or 1 in grey, or 12 where a Focus layer was cut off/],
] as const) {
  test(`a file of ${channels} channels that is fed ${served ?? 3} is refused, and told what to configure`, (t) => {
    const size = served === undefined ? SIZE : { ...SIZE, channels: served };
    t.regex(refusal(t, convolution([1, channels, 8, 8], channels), size), advice);
  });
}

test('an NHWC model is fed NCHW pictures and answers as it did', async (t) => {
  const model = nhwc([1, 8, 8, 3]);
  const { model: rewritten, changes } = rewriteModel(model, SIZE);
  t.true(
    changes.includes("input 'input': NHWC [1, 8, 8, 3] -> NCHW, by a Transpose behind the new input 'input_nchw'"),
  );
  t.deepEqual(rewritten.graph.input.map(declaredShape), [['batch', 3, 8, 8]]);
  t.deepEqual(rewriteModel(rewritten, SIZE).changes, []);
  const planes = noise(3 * 64);
  const pixels = planes.map((_, index) => planes[(index % 3) * 64 + Math.floor(index / 3)]!);
  const [found, expected] = [
    await runModel(rewritten, [1, 3, 8, 8], planes),
    await runModel(model, [1, 8, 8, 3], pixels),
  ];
  t.deepEqual(found, expected);
});

test('an NHWC model follows the served size and an open batch', async (t) => {
  const { model } = rewriteModel(nhwc(['n', 'h', 'w', 3]), { width: 16, height: 12 });
  t.deepEqual(model.graph.input.map(declaredShape), [['batch', 3, 12, 16]]);
  t.deepEqual((await runModel(model, [2, 3, 12, 16], noise(2 * 3 * 192)))['output']?.dims, [2, 4, 6, 8]);
});

test('a builder is told the name of the input that it is to feed', (t) => {
  t.is(rewriteForBuilding(encodeModel(nhwc([1, 8, 8, 3])), SIZE).input, 'input_nchw');
  const taken = nhwc([1, 8, 8, 3]);
  taken.graph.initializer.push(floatTensor('input_nchw', [1], Float32Array.of(0)));
  t.deepEqual(inputNames(rewriteModel(taken, SIZE).model), ['input_nchw_']);
});

test('the doctor tells of channels and layouts what the configuration needs, and fixes what can be fixed', (t) => {
  const found = (model: OnnxModel) =>
    doctor(model).flatMap(({ severity, message, fix }) => (severity === 'info' ? [`${message}: ${fix}`] : []));
  t.deepEqual(found(convolution([1, 12, 8, 8], 12)), [
    "input 'input' has 12 channels: [1, 12, 8, 8]: Set preprocess.focus: true in config.yaml.",
  ]);
  t.deepEqual(found(convolution([1, 1, 8, 8], 1)), [
    "input 'input' has 1 channels: [1, 1, 8, 8]: Set preprocess.color: gray in config.yaml.",
  ]);
  t.regex(found(nhwc([1, 8, 8, 3])).join('\n'), /NHWC \[1, 8, 8, 3\] -> NCHW/);
  const sizes = { width: 32, height: 16 };
  const fixed = (model: OnnxModel) => applyFixes(model, sizes).model.graph.input.map(declaredShape);
  t.deepEqual(fixed(convolution([1, 12, 8, 8], 12)), [['batch', 12, 8, 16]]);
  t.deepEqual(fixed(nhwc([1, 8, 8, 3])), [['batch', 3, 16, 32]]);
  t.throws(() => doctor(convolution([1, 12, 8, 8], 12), { width: 33 }), { message: /halves sizes; 33 is odd/ });
});
