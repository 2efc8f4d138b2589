import test, { type ExecutionContext } from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { ServingError } from '../../server/core/errors.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { declaredShape, shapeText, type OnnxModel } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { rewriteForServing, rewriteModel } from '../../server/onnx/rewrite.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { CONV, convThen, kernel } from './models.js';
import { difference, noise, rows, runModel } from './run-model.js';

const SIZE = { width: 8, height: 8 };
const ints = (name: string, ...values: number[]) => int64Tensor(name, values);

/** What the rewrite says when it refuses. */
function refusal(t: ExecutionContext, model: OnnxModel, size = SIZE): string {
  const error = t.throws(() => rewriteModel(model, size), { instanceOf: ServingError });
  t.is(error?.code, 'MODEL_INVALID');
  return error?.message ?? '';
}

/** A model exported for a batch of 1 must answer a batch of 3, rewritten, as it answers its pictures one by one. */
async function answersAsOneByOne(t: ExecutionContext, model: OnnxModel, size = SIZE): Promise<string[]> {
  const { model: rewritten, changes } = rewriteModel(model, size);
  const count = 3 * size.height * size.width;
  const pictures = noise(3 * count);
  const { output } = await runModel(rewritten, [3, 3, size.height, size.width], pictures);
  t.is(output?.dims[0], 3);
  for (let index = 0; index < 3 && output !== undefined; index++) {
    const picture = pictures.slice(index * count, (index + 1) * count);
    const alone = await runModel(model, [1, 3, size.height, size.width], picture);
    t.true(difference(alone['output']?.data ?? new Float32Array(), rows(output, index, index + 1)) < 1e-6);
  }
  return changes;
}

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

test('a target [1, -1] becomes [0, -1]', async (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 1, -1)]);
  const changes = await answersAsOneByOne(t, model);
  t.true(changes.includes("Reshape 'output/Reshape': target [1, -1] -> [0, -1]"));
});

test('a target [1, 2, 2, 4, 4] that splits the channels becomes [0, 2, 2, 4, 4]', async (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 1, 2, 2, 4, 4)]);
  const changes = await answersAsOneByOne(t, model);
  t.true(changes.includes("Reshape 'output/Reshape': target [1, 2, 2, 4, 4] -> [0, 2, 2, 4, 4]"));
});

test('a target that is a Constant node is replaced too', async (t) => {
  const nodes = [
    node('Constant', [], ['target'], { value: ints('', 1, 4, -1) }),
    node('Reshape', ['features', 'target'], ['output']),
  ];
  const changes = await answersAsOneByOne(t, convThen(nodes, []));
  t.true(changes.includes("Reshape 'output/Reshape': target [1, 4, -1] -> [0, 4, -1]"));
});

test('a target that two nodes share is replaced only where the batch goes through', async (t) => {
  const nodes = [
    node('Reshape', ['constant', 'target'], ['row']),
    node('Reshape', ['features', 'target'], ['flat']),
    node('Add', ['flat', 'row'], ['output']),
  ];
  const constants = [ints('target', 1, 64), floatTensor('constant', [4, 16], noise(64, 3))];
  const changes = await answersAsOneByOne(t, convThen(nodes, constants));
  t.is(changes.filter((change) => change.startsWith('Reshape')).length, 1);
});

test('heads that were folded into the batch come back out of it', async (t) => {
  const nodes = [
    node('Reshape', ['features', 'fold'], ['folded']),
    node('Softmax', ['folded'], ['weighed'], { axis: -1 }),
    node('Reshape', ['weighed', 'unfold'], ['output']),
  ];
  const model = convThen(nodes, [ints('fold', -1, 32), ints('unfold', 1, 64)]);
  const changes = await answersAsOneByOne(t, model);
  t.true(changes.includes("Reshape 'output/Reshape': target [1, 64] -> [-1, 64]"));
});

test('a literal batch of the export is replaced, and one of another batch refused', (t) => {
  const nodes = [node('Reshape', ['features', 'target'], ['output'])];
  const good = convThen(nodes, [ints('target', 10, -1)], { input: [10, 3, 8, 8] });
  t.true(rewriteModel(good, SIZE).changes.includes("Reshape 'output/Reshape': target [10, -1] -> [0, -1]"));
  const bad = convThen(nodes, [ints('target', 4, 64)], { input: ['n', 3, 8, 8] });
  t.regex(
    refusal(t, bad),
    /^Reshape 'output\/Reshape' keeps the model from other batches .*\[1, 4, 4, 4\] cannot become/,
  );
  const mixed = convThen(nodes, [ints('target', 2, -1)], { input: [1, 3, 8, 8] });
  t.regex(refusal(t, mixed), /its target \[2, -1\] was made for 1x4x4x4 where the input is now batchx4x4x4/);
});

test('sizes of the picture in a target are refused at another size and taken at that of the export', async (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 0, 4, 16)]);
  t.regex(
    refusal(t, model, { width: 16, height: 16 }),
    /^Reshape 'output\/Reshape' .*target \[0, 4, 16\] was made for 4x4 where the input is now 8x8: 16 does not follow/,
  );
  await answersAsOneByOne(t, model);
});

test('a -1 that would swallow the channels at another size is refused', (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 0, -1, 16)]);
  t.regex(refusal(t, model, { width: 16, height: 16 }), /16 does not follow/);
});

test('a -1 that holds the picture alone follows every size', async (t) => {
  const model = convThen([node('Reshape', ['features', 'target'], ['output'])], [ints('target', 0, 4, -1)], {
    input: ['n', 3, 'h', 'w'],
  });
  await answersAsOneByOne(t, model, { width: 20, height: 12 });
});

test('a target that is computed from the shape follows', async (t) => {
  const nodes = [
    node('Shape', ['features'], ['shape']),
    node('Slice', ['shape', 'zero', 'two'], ['head']),
    node('Concat', ['head', 'rest'], ['target'], { axis: 0 }),
    node('Reshape', ['features', 'target'], ['output']),
  ];
  const model = convThen(nodes, [ints('zero', 0), ints('two', 2), ints('rest', -1)], { input: ['n', 3, 'h', 'w'] });
  await answersAsOneByOne(t, model, { width: 20, height: 12 });
});

test('a target that mixes computed sizes with literal ones of the export is refused at another size', (t) => {
  const nodes = [
    node('Shape', ['features'], ['shape']),
    node('Slice', ['shape', 'zero', 'two'], ['head']),
    node('Concat', ['head', 'rest'], ['target'], { axis: 0 }),
    node('Reshape', ['features', 'target'], ['output']),
  ];
  const model = convThen(nodes, [ints('zero', 0), ints('two', 2), ints('rest', 16)]);
  t.regex(refusal(t, model, { width: 16, height: 16 }), /16 does not follow/);
});

test('a Reshape of what no rule reaches is refused unless its batch is open and the size stays', (t) => {
  const custom = { ...node('Mystery', ['features'], ['hidden']), domain: 'custom' };
  const nodes = [custom, node('Reshape', ['hidden', 'target'], ['output'])];
  t.regex(refusal(t, convThen(nodes, [ints('target', 1, 5)])), /the shape of its input is not known/);
});

test('a Resize to literal sizes becomes one by scales that gives the same', async (t) => {
  const nodes = [node('Resize', ['features', '', '', 'sizes'], ['output'], { mode: 'linear' })];
  const model = convThen(nodes, [ints('sizes', 1, 4, 8, 8)]);
  const changes = await answersAsOneByOne(t, model);
  t.true(changes.includes("Resize 'output/Resize': sizes [1, 4, 8, 8] -> scales [1, 1, 2, 2]"));
  const { model: larger } = rewriteModel(model, { width: 24, height: 16 });
  t.deepEqual(larger.graph.output.map(declaredShape), [['batch', 4, 16, 24]]);
});

test('a Resize by a factor that is not exact is refused', (t) => {
  const nodes = [node('Resize', ['features', '', '', 'sizes'], ['output'], { mode: 'linear' })];
  t.regex(refusal(t, convThen(nodes, [ints('sizes', 1, 4, 7, 8)])), /no plain multiple .* along axis 2/);
});

test('a Resize to the size of another value follows', async (t) => {
  const nodes = [
    node('Shape', ['input'], ['shape']),
    node('Slice', ['shape', 'two', 'four'], ['tail']),
    node('Shape', ['features'], ['small']),
    node('Slice', ['small', 'zero', 'two'], ['head']),
    node('Concat', ['head', 'tail'], ['sizes'], { axis: 0 }),
    node('Resize', ['features', '', '', 'sizes'], ['output'], { mode: 'nearest' }),
  ];
  const model = convThen(nodes, [ints('zero', 0), ints('two', 2), ints('four', 4)], { input: ['n', 3, 'h', 'w'] });
  const changes = await answersAsOneByOne(t, model, { width: 20, height: 12 });
  t.false(changes.some((change) => change.startsWith('Resize')));
});

test('a Slice that ends at the exported size is refused at another one', (t) => {
  const nodes = [node('Slice', ['features', 'zero', 'end', 'axis'], ['output'])];
  const model = convThen(nodes, [ints('zero', 0), ints('end', 4), ints('axis', 2)]);
  t.regex(refusal(t, model, { width: 16, height: 16 }), /ends at 4 along axis 2, which was 4 long .* is now 8/);
  t.notThrows(() => rewriteModel(model, SIZE));
});

test('a Focus of slices to the end follows', async (t) => {
  const end = 2 ** 31 - 1;
  const part = (row: number, column: number, name: string) => [
    node('Slice', ['features', `from${row}`, 'end', 'rows', 'step'], [`${name}.rows`]),
    node('Slice', [`${name}.rows`, `from${column}`, 'end', 'columns', 'step'], [name]),
  ];
  const nodes = [...part(0, 0, 'a'), ...part(1, 1, 'b'), node('Concat', ['a', 'b'], ['output'], { axis: 1 })];
  const constants = [
    ints('from0', 0),
    ints('from1', 1),
    ints('end', end),
    ints('rows', 2),
    ints('columns', 3),
    ints('step', 2),
  ];
  await answersAsOneByOne(t, convThen(nodes, constants, { input: ['n', 3, 'h', 'w'] }), { width: 16, height: 24 });
});

test('a fully connected layer refuses another size of the picture, by name', (t) => {
  const nodes = [node('Flatten', ['features'], ['flat']), node('Gemm', ['flat', 'matrix'], ['output'])];
  const model = convThen(nodes, [floatTensor('matrix', [64, 2], noise(128))]);
  t.regex(refusal(t, model, { width: 16, height: 16 }), /^Gemm 'output\/Gemm' .*rows of 256 by columns of 64/);
  t.notThrows(() => rewriteModel(model, SIZE));
});

test('a grid that was computed at the export refuses another size of the picture, by name', (t) => {
  const model = convThen(
    [node('Add', ['features', 'grid'], ['output'])],
    [floatTensor('grid', [1, 1, 4, 4], noise(16))],
  );
  t.regex(refusal(t, model, { width: 16, height: 16 }), /^Add 'output\/Add' .*do not go together/);
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
  'is NHWC': { input: ['input', [1, 8, 8, 3]], reason: /is NHWC \[1, 8, 8, 3\]/ },
  'is grey': { input: ['input', [1, 1, 8, 8]], reason: /has 1 channels/ },
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
