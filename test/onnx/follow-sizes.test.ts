import test from 'ava';
import { node } from '../../server/onnx/builder.js';
import { declaredShape } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { convThen } from './models.js';
import { answersAsExportedFor, answersAsOneByOne, ints, refusal, SIZE } from './rewriting.js';
import { noise } from './run-model.js';

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
  t.regex(refusal(t, mixed), /^Output 'output' is \[\?, 32\] with several rows a picture/);
});

test('sizes of the picture in a target become those to be served', async (t) => {
  const nodes = [node('Reshape', ['features', 'target'], ['output'])];
  const model = convThen(nodes, [ints('target', 0, 4, 16)]);
  const changes = await answersAsExportedFor(t, model, { width: 16, height: 12 }, (width, height) =>
    convThen(nodes, [ints('target', 0, 4, (width * height) / 4)], { input: ['n', 3, height, width] }),
  );
  t.true(changes.includes("Reshape 'output/Reshape': target [0, 4, 16] -> [0, 4, 48]"));
  await answersAsOneByOne(t, model);
});

test('a -1 that would swallow the channels at another size is kept from it', async (t) => {
  const nodes = [node('Reshape', ['features', 'target'], ['output'])];
  const model = convThen(nodes, [ints('target', 0, -1, 16)]);
  const changes = await answersAsExportedFor(t, model, { width: 16, height: 16 }, () =>
    convThen(nodes, [ints('target', 0, 4, -1)], { input: ['n', 3, 'h', 'w'] }),
  );
  t.true(changes.includes("Reshape 'output/Reshape': target [0, -1, 16] -> [0, -1, 64]"));
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

test('a target that mixes computed sizes with literal ones of the export becomes a constant that follows', async (t) => {
  const reshape = node('Reshape', ['features', 'target'], ['output']);
  const nodes = [
    node('Shape', ['features'], ['shape']),
    node('Slice', ['shape', 'zero', 'two'], ['head']),
    node('Concat', ['head', 'rest'], ['target'], { axis: 0 }),
    reshape,
  ];
  const model = convThen(nodes, [ints('zero', 0), ints('two', 2), ints('rest', 16)]);
  const changes = await answersAsExportedFor(t, model, { width: 16, height: 16 }, () =>
    convThen([reshape], [ints('target', 0, 0, -1)], { input: ['n', 3, 'h', 'w'] }),
  );
  t.true(changes.includes("Reshape 'output/Reshape': target [batch, 4, 16] -> [0, 4, 64]"));
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
