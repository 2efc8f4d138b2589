import test from 'ava';
import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  GraphProto,
} from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { rewriteForBuilding } from '../../server/onnx/for-building.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { rewriteDecoded, rewriteForServing } from '../../server/onnx/rewrite.js';
import { DataType } from '../../server/onnx/tensor.js';
import { noise, runModel } from './run-model.js';

const SIZE = { width: 4, height: 4 };
const INPUT = valueInfo('input', ['batch', 3, 4, 4]);

/** A count of each picture as int64, which other nodes take too, and a float output. */
function countingModel() {
  return makeModel({
    name: 'counting',
    nodes: [
      node('GlobalAveragePool', ['input'], ['means']),
      node('Flatten', ['means'], ['flat']),
      node('ArgMax', ['flat'], ['count'], { axis: 1, keepdims: 1 }),
      node('Cast', ['count'], ['again'], { to: DataType.INT32 }),
      { ...node('Identity', ['again'], ['count.own']), name: 'count/Cast' },
    ],
    inputs: [INPUT],
    outputs: [
      valueInfo('count', ['batch', 1], DataType.INT64),
      valueInfo('flat', ['batch', 3]),
      valueInfo('count.own', ['batch', 1], DataType.INT32),
    ],
  });
}

test('outputs of whole numbers become float32 under their names', async (t) => {
  const { bytes, changes } = rewriteForServing(encodeModel(countingModel()), SIZE);
  t.deepEqual(changes, ["output 'count': INT64 -> FLOAT", "output 'count.own': INT32 -> FLOAT"]);
  const outputs = await runModel(bytes, [2, 3, 4, 4], noise(2 * 3 * 16, 3));
  t.deepEqual(Object.keys(outputs), ['count', 'flat', 'count.own']);
  for (const name of ['count', 'count.own']) {
    const { dims, data } = outputs[name]!;
    t.true(data instanceof Float32Array);
    t.deepEqual(dims, [2, 1]);
    const flat = outputs['flat']!.data;
    const best = [0, 1].map((row) => {
      const values = [...flat.subarray(3 * row, 3 * row + 3)];
      return values.indexOf(Math.max(...values));
    });
    t.deepEqual([...data], best);
  }
});

test('what a plan is built from is what the CPU runs', (t) => {
  const bytes = encodeModel(countingModel());
  t.deepEqual(rewriteForBuilding(bytes, SIZE).bytes, rewriteForServing(bytes, SIZE).bytes);
  const again = rewriteForServing(rewriteForServing(bytes, SIZE).bytes, SIZE);
  t.deepEqual(again.changes, []);
});

test('a value that inner graphs give out is renamed there too', async (t) => {
  const branch = (name: string) =>
    AttributeProto.fromPartial({
      name,
      type: AttributeType.GRAPH,
      g: GraphProto.fromPartial({
        name,
        node: [node('Identity', ['count'], [`${name}.out`])],
        output: [valueInfo(`${name}.out`, ['batch', 1], DataType.INT64)],
      }),
    });
  const choice = node('If', ['yes'], ['chosen']);
  choice.attribute = [branch('then_branch'), branch('else_branch')];
  const model = countingModel();
  model.graph.node.push(
    node('ReduceMax', ['flat'], ['most'], { keepdims: 0 }),
    node('IsNaN', ['most'], ['yes']),
    choice,
  );
  model.graph.output.push(valueInfo('chosen', ['batch', 1], DataType.INT64));
  const outputs = await runModel(rewriteForServing(encodeModel(model), SIZE).bytes, [1, 3, 4, 4], noise(48));
  t.deepEqual(outputs['chosen'], outputs['count']);
});

test('the model that was decoded stays as it is', (t) => {
  const model = countingModel();
  t.not(rewriteDecoded(model, SIZE).model, model);
  t.deepEqual(model, countingModel());
});
