import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { ServingError } from '../../server/core/errors.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { declaredShape, shapeText } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { rewriteForServing, rewriteModel } from '../../server/onnx/rewrite.js';
import { DataType, floatTensor } from '../../server/onnx/tensor.js';
import { CONV, convThen, kernel } from './models.js';
import { ints, refusal, SIZE } from './rewriting.js';
import { difference, noise, rows, runModel } from './run-model.js';

test('a fixed batch becomes dynamic, the size that of the configuration, and the outputs are true', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [], { input: [10, 3, 8, 8], output: [10, 4, 4, 4] });
  const { model: rewritten, changes } = rewriteModel(model, { width: 40, height: 24 });
  t.deepEqual(rewritten.graph.input.map(declaredShape), [['batch', 3, 24, 40]]);
  t.deepEqual(rewritten.graph.output.map(declaredShape), [['batch', 4, 12, 20]]);
  t.deepEqual(changes, [
    "input 'input': [10, 3, 8, 8] -> [batch, 3, 24, 40]",
    "output 'output': [10, 4, 4, 4] -> [batch, 4, 12, 20]",
  ]);
  t.deepEqual(model.graph.input.map(declaredShape), [[10, 3, 8, 8]]);
});

test('a rewritten model answers another size as the same model exported for it', async (t) => {
  const tail = [node('Sigmoid', ['features'], ['output'])];
  const { model } = rewriteModel(convThen(tail, [], { input: [10, 3, 8, 8] }), { width: 20, height: 12 });
  const exported = convThen(tail, [], { input: [2, 3, 12, 20] });
  const pictures = noise(2 * 3 * 12 * 20);
  const [found, expected] = await Promise.all([model, exported].map((one) => runModel(one, [2, 3, 12, 20], pictures)));
  t.deepEqual(found, expected);
});

test('weights that are listed as inputs are dropped from them, and the format raised where it must be', (t) => {
  const inputs = [valueInfo('input', [1, 3, 8, 8]), valueInfo('weight', [4, 3, 3, 3])];
  const model = convThen([node('Relu', ['features'], ['output'])], [], { inputs, irVersion: 3 });
  const { model: rewritten, changes } = rewriteModel(model, SIZE);
  t.deepEqual(
    rewritten.graph.input.map(({ name }) => name),
    ['input'],
  );
  t.is(rewritten.irVersion, 4n);
  t.true(changes.includes('dropped 1 weights that were listed as inputs'));
  t.true(changes.includes('ir_version 3 -> 4'));
});

test('weights that nothing uses are dropped', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [ints('batches_tracked', 7)]);
  const { model: rewritten, changes } = rewriteModel(model, SIZE);
  t.deepEqual(
    rewritten.graph.initializer.map(({ name }) => name),
    ['weight'],
  );
  t.true(changes.includes('dropped 1 weights that no node uses'));
});

test('what is declared about the values between is cleared when it goes stale', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], []);
  model.graph.valueInfo = [valueInfo('features', [1, 4, 4, 4])];
  const { model: rewritten, changes } = rewriteModel(model, SIZE);
  t.deepEqual(rewritten.graph.valueInfo, []);
  t.true(changes.includes('cleared the declared shapes of 1 values inside the graph'));
});

test('a model that is right already comes back byte for byte', (t) => {
  const model = convThen([node('Relu', ['features'], ['output'])], [], {
    input: ['batch', 3, 8, 8],
    output: ['batch', 4, 4, 4],
  });
  const bytes = encodeModel(model);
  const result = rewriteForServing(bytes, SIZE);
  t.is(result.bytes, bytes);
  t.deepEqual(result.changes, []);
});

test('rewriting twice changes nothing the second time', (t) => {
  const bytes = encodeModel(convThen([node('Flatten', ['features'], ['output'])], [], { input: [5, 3, 'h', 'w'] }));
  const once = rewriteForServing(bytes, SIZE);
  t.not(once.changes.length, 0);
  t.deepEqual(rewriteForServing(once.bytes, SIZE).changes, []);
});

test('an output that no rule reaches keeps its rank and loses what came from the old sizes', (t) => {
  const custom = { ...node('Mystery', ['features'], ['output']), domain: 'custom' };
  const model = convThen([custom], [], { input: ['n', 3, 8, 8], output: ['n', 'found', 7] });
  const { model: rewritten } = rewriteModel(model, SIZE);
  t.is(shapeText(declaredShape(rewritten.graph.output[0] ?? valueInfo('', null))), '[?, found, ?]');
});

test('a constant that holds the exported batch is refused, by name', (t) => {
  const model = convThen(
    [node('Add', ['features', 'bias'], ['output'])],
    [floatTensor('bias', [5, 4, 1, 1], noise(20))],
    {
      input: [5, 3, 8, 8],
    },
  );
  t.regex(refusal(t, model), /^Add 'output\/Add' .*\[7, 4, 4, 4\] and \[5, 4, 1, 1\]/);
});

test('a Squeeze without axes, which takes a batch of 1 away, is refused', (t) => {
  const nodes = [node('GlobalAveragePool', ['features'], ['pooled']), node('Squeeze', ['pooled'], ['output'])];
  t.regex(refusal(t, convThen(nodes, [])), /^Squeeze 'output\/Squeeze' .*1 dims at the exported batch and 2 at others/);
});

test('an output without the batch in front is refused', (t) => {
  const model = convThen([node('Transpose', ['features'], ['output'], { perm: [1, 0, 2, 3] })], []);
  t.regex(refusal(t, model), /^Output 'output' is \[4, batch, 4, 4\] .*first dim must be the batch/);
});

const INPUTS: Record<string, { input: Parameters<typeof valueInfo>; reason: RegExp }> = {
  'is grey': { input: ['input', [1, 1, 8, 8]], reason: /has 1 channels .*preprocess\.color to gray/ },
  'is no picture': { input: ['input', [1, 3]], reason: /must be \[batch, 3, height, width\] and is \[1, 3\]/ },
  'has no rank': { input: ['input', null], reason: /is \(unknown\)/ },
  'holds bytes': { input: ['input', [1, 3, 8, 8], DataType.UINT8], reason: /is UINT8 and must be FLOAT/ },
};

for (const [what, { input, reason }] of Object.entries(INPUTS)) {
  test(`a model whose input ${what} is refused`, (t) => {
    const relu = node('Relu', ['features'], ['output']);
    t.regex(refusal(t, convThen([relu], [], { inputs: [valueInfo(...input)] })), reason);
  });
}

test('a model with two inputs is refused with their names', (t) => {
  const inputs = [valueInfo('input', [1, 3, 8, 8]), valueInfo('scale', [1])];
  t.regex(
    refusal(t, convThen([node('Mul', ['features', 'scale'], ['output'])], [], { inputs })),
    /it has 2: 'input', 'scale'/,
  );
});

test('a model older than what the runtime takes is refused', (t) => {
  t.regex(refusal(t, convThen([node('Relu', ['features'], ['output'])], [], { opset: 6 })), /uses opset 6.*at least 7/);
});

test('a damaged model is rewritten or refused, and nothing else happens', (t) => {
  const nodes = [
    node('Resize', ['features', '', '', 'sizes'], ['large'], { mode: 'linear' }),
    node('Slice', ['large', 'zero', 'end', 'axis'], ['part']),
    node('Reshape', ['part', 'target'], ['output']),
  ];
  const constants = [
    ints('sizes', 1, 4, 8, 8),
    ints('zero', 0),
    ints('end', 2 ** 40),
    ints('axis', 2),
    ints('target', 1, -1),
  ];
  const bytes = encodeModel(convThen(nodes, constants));
  for (let index = 0; index < bytes.length; index++) {
    const damaged = bytes.slice();
    damaged[index] = (damaged[index] ?? 0) ^ (1 << (index % 8));
    try {
      rewriteForServing(damaged, SIZE);
    } catch (error) {
      if (!(error instanceof ServingError)) throw error;
    }
  }
  t.pass();
});

const CENTERFACE = 'model-repo/centerface/1/model.onnx';

(existsSync(CENTERFACE) ? test : test.skip)('centerface answers rewritten as it does as exported', async (t) => {
  const original = readFileSync(CENTERFACE);
  const { bytes, changes } = rewriteForServing(original, { width: 32, height: 32 });
  t.true(changes.includes('dropped 194 weights that were listed as inputs'));
  const pictures = noise(10 * 3 * 32 * 32).map((value) => 127 + 127 * value);
  const before = await runModel(original, [10, 3, 32, 32], pictures);
  const after = await runModel(bytes, [10, 3, 32, 32], pictures);
  const part = await runModel(bytes, [3, 3, 32, 32], pictures.slice(0, 3 * 3 * 32 * 32));
  t.deepEqual(Object.keys(after), ['537', '538', '539', '540']);
  for (const [name, output] of Object.entries(before)) {
    const [same, some] = [after[name], part[name]];
    if (same === undefined || some === undefined) return t.fail(`output ${name} is gone`);
    // Weights that are constant are packed for other kernels, which round differently.
    t.true(difference(output.data, same.data) < 2e-4, name);
    t.true(difference(rows(same, 0, 3), some.data) < 1e-5, name);
  }
});

(existsSync(CENTERFACE) ? test : test.skip)(
  'centerface has true outputs at the size of its configuration',
  async (t) => {
    const { bytes } = rewriteForServing(readFileSync(CENTERFACE), { width: 640, height: 480 });
    const { graph } = decodeModel(bytes);
    const declared = graph.output.map((output) => [output.name, shapeText(declaredShape(output))]);
    t.deepEqual(declared, [
      ['537', '[batch, 1, 120, 160]'],
      ['538', '[batch, 2, 120, 160]'],
      ['539', '[batch, 2, 120, 160]'],
      ['540', '[batch, 10, 120, 160]'],
    ]);
    const outputs = await runModel(bytes, [1, 3, 480, 640], new Float32Array(3 * 480 * 640));
    t.deepEqual(outputs['540']?.dims, [1, 10, 120, 160]);
  },
);

test('a graph with all its parts can be built and read back', (t) => {
  const model = makeModel({
    name: 'built',
    nodes: [CONV],
    inputs: [valueInfo('input', ['batch', 3, null, 8])],
    outputs: [valueInfo('features', null)],
    initializers: [kernel('weight', 2)],
  });
  t.deepEqual(decodeModel(encodeModel(model)), model);
});
