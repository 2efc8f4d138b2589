import test from 'ava';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { applyFixes, doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { readsTexts, rewriteForTexts } from '../../server/onnx/rewrite-texts.js';
import { DataType, floatTensor } from '../../server/onnx/tensor.js';
import { encoderModel, wordsModel } from '../support/text-models.js';
import { meansModel } from '../support/tiny-models.js';

const SERVED = { batch: 8, length: 128, fixed: false };

/** A classifier that lists its table as an input, and a table that nothing uses. */
function oldExport(): Uint8Array {
  const table = floatTensor('table', [2, 2], Float32Array.of(1, 2, 3, 4));
  const idle = floatTensor('idle', [1], Float32Array.of(1));
  return encodeModel(
    makeModel({
      name: 'old',
      nodes: [node('Gather', ['table', 'ids'], ['tokens'], { axis: 0 }), node('ReduceSum', ['tokens'], ['scores'])],
      initializers: [table, idle],
      inputs: [valueInfo('ids', ['n', 'l'], DataType.INT64), valueInfo('table', [2, 2]), valueInfo('idle', [1])],
      outputs: [valueInfo('scores', ['n', 2])],
    }),
  );
}

test('a model that is well is served as it is, its inputs told with their types', (t) => {
  const bytes = wordsModel({ type: DataType.INT32 });
  const served = rewriteForTexts(bytes, SERVED);
  t.is(served.bytes, bytes);
  t.deepEqual(served.changes, []);
  t.deepEqual(served.inputs, [
    { name: 'input_ids', type: 'int32' },
    { name: 'attention_mask', type: 'int32' },
  ]);
  t.false(served.quantized);
});

test('weights among the inputs are no inputs, and those that nothing uses go', (t) => {
  const { bytes, changes, inputs } = rewriteForTexts(oldExport(), SERVED);
  t.deepEqual(inputs, [{ name: 'ids', type: 'int64' }]);
  t.is(changes.length, 2);
  const { graph } = decodeModel(bytes);
  t.deepEqual([graph.input.length, graph.initializer.length], [1, 1]);
});

test('sizes that the file fixes have to be those that are served', (t) => {
  const fixed = wordsModel({ batch: 1, length: 32 });
  t.notThrows(() => rewriteForTexts(fixed, { batch: 1, length: 32, fixed: true }));
  for (const served of [
    { batch: 2, length: 32, fixed: true },
    { batch: 1, length: 31, fixed: true },
    { batch: 1, length: 32, fixed: false },
  ]) {
    t.throws(() => rewriteForTexts(fixed, served), { code: 'MODEL_INVALID' }, JSON.stringify(served));
  }
  t.throws(() => rewriteForTexts(wordsModel({ batch: 4 }), { ...SERVED, batch: 4 }), { message: /fixed batch of 4/ });
});

test('texts and pictures are told apart by their inputs', (t) => {
  t.true(readsTexts(decodeModel(wordsModel())));
  t.true(readsTexts(decodeModel(oldExport())));
  t.false(readsTexts(decodeModel(meansModel(8, 8))));
});

test('the doctor finds nothing wrong with whole numbers where texts are read', (t) => {
  for (const bytes of [wordsModel(), wordsModel({ type: DataType.INT32 }), encoderModel()]) {
    const found = doctor(decodeModel(bytes)).filter(({ severity }) => severity !== 'info');
    t.deepEqual(found, []);
  }
});

test('the doctor tells of fixed sizes and of weights among the inputs of a model that reads', (t) => {
  const told = (model: OnnxModel, severity: string) =>
    doctor(model).flatMap((finding) => (finding.severity === severity ? [`${finding.rule} ${finding.message}`] : []));
  const both = decodeModel(wordsModel({ batch: 1, length: 32 }));
  t.regex(told(both, 'warning').join('\n'), /^R19 the batch is not open on every input/);
  t.regex(told(both, 'info').join('\n'), /^R4 input 'attention_mask' has a fixed length of 32: \[1, 32\]$/m);
  const ids = valueInfo('ids', [1, 'l'], DataType.INT64);
  const one = makeModel({
    name: 'one',
    nodes: [node('Cast', ['ids'], ['out'], { to: DataType.FLOAT })],
    inputs: [ids],
    outputs: [valueInfo('out', [1, 'l'])],
  });
  t.regex(told(one, 'warning').join('\n'), /^R4 input 'ids' has a fixed batch of 1: \[1, l\]/m);
  const old = decodeModel(oldExport());
  t.true(doctor(old).some(({ message, fixable }) => fixable && message.startsWith('2 of 2 weights')));
  t.is(applyFixes(old).model.graph.input.length, 1);
});

test('a model of whole numbers that are no rows of tokens is refused', (t) => {
  const odd = makeModel({
    name: 'odd',
    nodes: [node('Identity', ['ids'], ['out'])],
    inputs: [valueInfo('ids', ['n', 3, 4], DataType.INT64)],
    outputs: [valueInfo('out', ['n', 3, 4], DataType.INT64)],
  });
  t.throws(() => rewriteForTexts(encodeModel(odd), SERVED), {
    message: /Input 'ids' must be \[batch, length\] and is \[n, 3, 4\]/,
  });
  t.is(doctor(odd)[0]?.severity, 'error');
});
