import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { node } from '../../server/onnx/builder.js';
import type { PixelRange } from '../../server/onnx/comparison.js';
import { declaredShape, inputNames, shapeText } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { hasQuantization } from '../../server/onnx/quantization.js';
import { rewriteForServing, rewriteModel } from '../../server/onnx/rewrite.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { convThen } from './models.js';
import { answersAlike, ints, refusal } from './rewriting.js';
import { noise } from './run-model.js';

const side = (min: number, opt: number, max: number): PixelRange => ({ min, opt, max });
const OPEN = { width: 8, height: 8, ranges: { height: side(4, 8, 24), width: side(8, 8, 16) } };

test('height and width are fixed unless ranges are asked for', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [], { input: ['n', 3, 'h', 'w'] });
  t.deepEqual(rewriteModel(model, { width: 8, height: 8 }).model.graph.input.map(declaredShape), [['batch', 3, 8, 8]]);
});

test('with ranges they are symbols, in the outputs too where those are as large', async (t) => {
  const nodes = [node('Resize', ['features', '', 'twice'], ['output'], { mode: 'linear' })];
  const model = convThen(nodes, [floatTensor('twice', [4], Float32Array.of(1, 1, 2, 2))]);
  const { model: rewritten, changes } = rewriteModel(model, OPEN);
  t.deepEqual(rewritten.graph.input.map(declaredShape), [['batch', 3, 'height', 'width']]);
  t.deepEqual(rewritten.graph.output.map(declaredShape), [['batch', 4, 'height', 'width']]);
  t.deepEqual(changes, [
    "input 'input': [1, 3, 8, 8] -> [batch, 3, height, width]",
    "output 'output': (unknown) -> [batch, 4, height, width]",
  ]);
  await answersAlike(t, rewritten, convThen(nodes, model.graph.initializer.slice(1), { input: [1, 3, 24, 12] }), {
    width: 12,
    height: 24,
  });
});

test('a rewritten model is not rewritten again for the same ranges', (t) => {
  const bytes = encodeModel(
    convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 1, 4, 16)]),
  );
  const once = rewriteForServing(bytes, OPEN);
  t.true(once.changes.includes("Reshape 'output/Reshape': target [1, 4, 16] -> [0, 4, -1]"));
  t.deepEqual(rewriteForServing(once.bytes, OPEN).changes, []);
});

test('a Resize to literal sizes follows all sizes by its scales', async (t) => {
  const nodes = [node('Resize', ['features', '', '', 'sizes'], ['output'], { mode: 'linear' })];
  const exportFor = (width: number, height: number) => convThen(nodes, [ints('sizes', 1, 4, height, width)]);
  const { model } = rewriteModel(exportFor(8, 8), OPEN);
  for (const size of [
    { width: 16, height: 4 },
    { width: 10, height: 24 },
  ]) {
    const expected = convThen(nodes, [ints('sizes', 1, 4, size.height, size.width)], {
      input: [1, 3, size.height, size.width],
    });
    await answersAlike(t, model, expected, size);
  }
});

const FIXED: Record<string, { model: ReturnType<typeof convThen>; reason: RegExp }> = {
  'a grid that was computed at the export': {
    model: convThen([node('Add', ['features', 'grid'], ['output'])], [floatTensor('grid', [1, 1, 4, 4], noise(16))]),
    reason: /^Add 'output\/Add' .*do not go together \(tried with a batch of \d+ at 8x4\)/,
  },
  'a Slice to the end of the export': {
    model: convThen(
      [node('Slice', ['features', 'zero', 'end', 'axis'], ['output'])],
      [ints('zero', 0), ints('end', 4), ints('axis', 2)],
    ),
    reason: /^Slice 'output\/Slice' .*ends at 4 along axis 2/,
  },
  'a fully connected layer': {
    model: convThen(
      [node('Flatten', ['features'], ['flat']), node('Gemm', ['flat', 'matrix'], ['output'])],
      [floatTensor('matrix', [64, 2], noise(128))],
    ),
    reason: /^Gemm 'output\/Gemm'/,
  },
  'a Reshape of what no rule reaches': {
    model: convThen(
      [
        { ...node('Mystery', ['features'], ['hidden']), domain: 'custom' },
        node('Reshape', ['hidden', 'target'], ['output']),
      ],
      [ints('target', 0, 5)],
    ),
    reason: /the shape of its input is not known/,
  },
};

for (const [what, { model, reason }] of Object.entries(FIXED)) {
  test(`${what} keeps height and width from staying open, by name`, (t) => {
    t.regex(refusal(t, model, OPEN), reason);
  });
}

test('a model without a batch or size of its own is open without a change', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [], {
    input: ['batch', 3, 'height', 'width'],
    output: ['batch', 4, null, null],
  });
  const bytes = encodeModel(model);
  t.is(rewriteForServing(bytes, OPEN).bytes, bytes);
});

test('ranges that do not hold their size are a fault of the caller', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], []);
  for (const ranges of [
    { height: side(16, 16, 24), width: side(8, 8, 8) },
    { height: side(8, 4, 24), width: side(8, 8, 8) },
    { height: side(0, 8, 8), width: side(8, 8, 8) },
  ]) {
    t.throws(() => rewriteModel(model, { width: 8, height: 8, ranges }), { instanceOf: RangeError });
  }
});

const CENTERFACE = 'model-repo/centerface/1/model.onnx';

(existsSync(CENTERFACE) ? test : test.skip)('centerface may stay open in height and width', async (t) => {
  const ranges = { height: side(32, 64, 128), width: side(32, 96, 160) };
  const { bytes } = rewriteForServing(readFileSync(CENTERFACE), { width: 96, height: 64, ranges });
  const open = decodeModel(bytes);
  t.deepEqual(open.graph.input.map(declaredShape).map(shapeText), ['[batch, 3, height, width]']);
  for (const size of [
    { width: 96, height: 64 },
    { width: 160, height: 32 },
    { width: 32, height: 128 },
  ]) {
    const fixed = decodeModel(rewriteForServing(readFileSync(CENTERFACE), size).bytes);
    await answersAlike(t, open, fixed, size, 1e-5);
  }
});

test('the names of the inputs leave out weights', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], []);
  model.graph.input.push({ ...model.graph.input[0]!, name: 'weight' });
  t.deepEqual(inputNames(model), ['input']);
});

test('a model is quantised where it quantises or dequantises something', (t) => {
  const scale = floatTensor('scale', [], Float32Array.of(0.1));
  const relu = node('Relu', ['features'], ['output']);
  t.false(hasQuantization(convThen([relu], [])));
  const quantised = [
    node('QuantizeLinear', ['features', 'scale'], ['q']),
    node('DequantizeLinear', ['q', 'scale'], ['output']),
  ];
  t.true(hasQuantization(convThen(quantised, [scale])));
  t.true(hasQuantization(convThen([node('DequantizeLinear', ['stored', 'scale'], ['b']), relu], [scale])));
});
