import test from 'ava';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { applyFixes, doctor } from '../../server/onnx/doctor/doctor.js';
import { SINCE, WITHDRAWN } from '../../server/onnx/doctor/standard-operators.js';
import { NEWEST_OPSET } from '../../server/onnx/doctor/opset.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { decodeModel, decodeModelParts, encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor } from '../../server/onnx/tensor.js';
import { scratch } from '../catalog/scratch.js';
import { askOracle } from '../oracle/oracle.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { convThen, kernel } from './models.js';
import { ints } from './rewriting.js';

/** R18 and R19, models of several files, and the command on models in a repository. */

const RELU = node('Relu', ['features'], ['output']);
const OPEN = { input: ['batch', 3, 8, 8], output: ['batch', 4, 4, 4] } as const;

/** The weights of a model moved to a file of their own, as exporters do with large ones. */
function moved(model: OnnxModel, location: string, offset = 16): { model: OnnxModel; data: Uint8Array } {
  const weight = model.graph.initializer[0]!;
  const data = new Uint8Array(offset + weight.rawData.length);
  data.set(weight.rawData, offset);
  const externalData = Object.entries({ location, offset, length: weight.rawData.length }).map(([key, value]) => ({
    key,
    value: String(value),
  }));
  const outside = { ...weight, rawData: new Uint8Array(), dataLocation: 1, externalData };
  return { model: { ...model, graph: { ...model.graph, initializer: [outside] } }, data };
}

test('R18: weights in another file, which the fix takes in', (t) => {
  const whole = convThen([RELU], [], OPEN);
  const { model, data } = moved(whole, 'weights.bin');
  const options = { externalFiles: new Map([['weights.bin', data]]) };
  finds(
    t,
    model,
    { rule: 'R18', severity: 'error', fixable: true, mendedAtLoad: false },
    /1 weights are kept in other files, 'weight' in 'weights\.bin'/,
    options,
  );
  fixes(t, model, { rule: 'R18', options, original: whole });
});

test('R18: weights in a file that is not there, or too short', (t) => {
  const { model, data } = moved(convThen([RELU], [], OPEN), 'weights.bin');
  finds(t, model, { rule: 'R18', severity: 'error', fixable: false }, /'weight' in 'weights\.bin', which is not there/);
  const short = { externalFiles: new Map([['weights.bin', data.subarray(0, 100)]]) };
  finds(t, model, { rule: 'R18', fixable: false }, /at bytes 16 to 448 of 'weights\.bin', which has 100/, short);
  t.throws(() => applyFixes(model, short), { message: /which is not there or too short/ });
});

test('R18: a cycle is told from nodes that are out of order', (t) => {
  const cycle = [node('Add', ['features', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['output'])];
  const [first] = byRule(doctor(convThen(cycle, [], { input: OPEN.input })), 'R18');
  t.like(first, { severity: 'error', node: "Add 'a/Add'", place: 'node 2 of 4' });
  t.regex(first?.why ?? '', /what it makes itself/);
  const late = [node('Relu', ['late'], ['output']), node('Relu', ['features'], ['late'])];
  t.regex(byRule(doctor(convThen(late, [], { input: OPEN.input })), 'R18')[0]?.why ?? '', /in the order/);
});

test('R18: from where on shapes are not known', (t) => {
  const nodes = [node('Det', ['features'], ['lost']), node('Relu', ['lost'], ['output'])];
  const model = convThen(nodes, [], { input: OPEN.input });
  finds(
    t,
    model,
    { rule: 'R18', severity: 'info', node: "Det 'lost/Det'" },
    /shapes of the results of 2 nodes are not known/,
  );
});

const twoInputs = (first: string | number, second: string | number) =>
  makeModel({
    name: 'two',
    nodes: [node('Add', ['words', 'mask'], ['sum']), node('Cast', ['sum'], ['output'], { to: DataType.FLOAT })],
    inputs: [
      valueInfo('words', [first, 'length'], DataType.INT64),
      valueInfo('mask', [second, 'length'], DataType.INT64),
    ],
    outputs: [valueInfo('output', [first, 'length'])],
  });

test('R19: several inputs whose batches go together, or do not', (t) => {
  finds(
    t,
    twoInputs('batch', 'batch'),
    { rule: 'R19', severity: 'info' },
    /it has 2 inputs: 'words' \[batch, length\], 'mask'/,
  );
  t.deepEqual(
    doctor(twoInputs('batch', 'batch')).map(({ rule }) => rule),
    ['R19'],
  );
  const worse = (model: OnnxModel) => byRule(doctor(model), 'R19').find(({ severity }) => severity === 'warning');
  t.regex(worse(twoInputs('batch', 'n'))?.message ?? '', /call the batch differently: batch, n/);
  t.regex(worse(twoInputs('batch', 1))?.message ?? '', /batch is not open on every input/);
});

test('models of texts and of key points are no pictures, and simplified all the same', (t) => {
  const nodes = [node('Identity', ['points'], ['same']), node('Flatten', ['same'], ['output'])];
  const points = makeModel({
    name: 'points',
    nodes,
    inputs: [valueInfo('points', ['batch', 16, 3])],
    outputs: [valueInfo('output', ['batch', 48])],
  });
  t.deepEqual(
    doctor(points).map(({ rule, fixable }) => [rule, fixable]),
    [['R14', true]],
  );
  const { model, changes } = applyFixes(points);
  t.deepEqual(changes, ['1 nodes that do nothing, or undo one another, are gone']);
  t.deepEqual(doctor(model), []);
});

test('the table of operators is that of ONNX', (t) => {
  const { operators } = askOracle<{ operators: Record<string, [number, boolean][]> }>('onnx_models.py', {
    operators: 1,
  });
  const firsts = Object.entries(operators).map(
    ([name, versions]) => [name, Math.min(...versions.map(([at]) => at))] as const,
  );
  const known = firsts.filter(([, first]) => first <= NEWEST_OPSET);
  t.deepEqual(Object.fromEntries(SINCE), Object.fromEntries(known));
  const withdrawn = Object.entries(operators).flatMap(([name, versions]) => {
    const [at, isGone] = versions.reduce((newest, one) => (one[0] > newest[0] ? one : newest));
    return isGone ? [[name, at] as const] : [];
  });
  const gone = [...WITHDRAWN].map(([name, { from }]) => [name, from] as const);
  t.deepEqual(Object.fromEntries(gone), Object.fromEntries(withdrawn));
});

function command(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/test/onnx/doctor-command.js', 'doctor', ...args],
    {
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}

const FIVE_LABELS = 'a\nb\nc\nd\ne\n';

/** A repository with one model; the file of it. */
function repository(directory: string, model: OnnxModel, config: string): string {
  mkdirSync(join(directory, 'repository/shapes/1'), { recursive: true });
  writeFileSync(join(directory, 'repository/shapes/config.yaml'), config);
  writeFileSync(join(directory, 'repository/shapes/labels.txt'), FIVE_LABELS);
  const file = join(directory, 'repository/shapes/1/model.onnx');
  writeFileSync(file, encodeModel(model));
  return file;
}

test('a model in a repository is held against its configuration', (t) => {
  const scaled = convThen(
    [node('Div', ['input', 'most'], ['pixels']), RELU],
    [floatTensor('most', [], Float32Array.of(255))],
    OPEN,
  );
  scaled.graph.node = [scaled.graph.node[1]!, { ...scaled.graph.node[0]!, input: ['pixels', 'weight'] }, RELU];
  const config =
    'task: embedding\ninput: { width: 32, height: 16 }\npreprocess: { scale: 0.5 }\ntensorrt: { precision: int8 }\n';
  const { status, stdout } = command(repository(scratch(t), scaled, config), '--json');
  t.is(status, 1);
  const { findings } = JSON.parse(stdout) as {
    findings: { rule: string; severity: string; message: string; place: string | null }[];
  };
  const messages = findings.map(({ rule, severity, message }) => `${rule} ${severity} ${message}`).join('\n');
  t.regex(messages, /R13 error config\.yaml asks for int8/);
  t.regex(messages, /R16 warning the graph scales the picture itself, and config\.yaml does so too/);
  t.regex(messages, /R4 warning outputs are declared other than they are at 32x16/);
  t.is(findings.find(({ rule }) => rule === 'R16')?.place, 'node 1 of 3');
});

test('a configuration that cannot be read is told of, and the model examined without it', (t) => {
  const { status, stdout, stderr } = command(repository(scratch(t), convThen([RELU], [], OPEN), 'task: nothing\n'));
  t.is(status, 0);
  t.regex(stdout, /Nothing found/);
  t.regex(stderr, /is left out of account: .*config\.yaml/s);
});

test('a model of tensors need not take pictures; what its config.pbtxt says and is not done is told', (t) => {
  const adds = makeModel({
    name: 'adds',
    nodes: [node('Add', ['a', 'b'], ['sum'])],
    inputs: [valueInfo('a', ['batch', 4], DataType.INT64), valueInfo('b', ['batch', 4], DataType.INT64)],
    outputs: [valueInfo('sum', ['batch', 4], DataType.INT64)],
  });
  const directory = join(scratch(t), 'repository/adds');
  mkdirSync(join(directory, '1'), { recursive: true });
  writeFileSync(join(directory, '1/model.onnx'), encodeModel(adds));
  writeFileSync(join(directory, 'config.pbtxt'), 'max_batch_size: 4\nruntime: "other.so"\n');
  const { status, stdout, stderr } = command(join(directory, '1/model.onnx'));
  t.is(status, 0);
  t.regex(stdout, /Nothing found/);
  t.regex(stderr, /config\.pbtxt:2:1: runtime: ONNX Runtime runs all models of tensors\.$/m);
});

test('the command takes in the file that weights are kept in, but none outside the directory of the model', (t) => {
  const directory = scratch(t);
  const { model, data } = moved(convThen([RELU], [], OPEN), 'weights.bin');
  const [file, fixed] = [join(directory, 'model.onnx'), join(directory, 'fixed.onnx')];
  writeFileSync(file, encodeModel(model));
  writeFileSync(join(directory, 'weights.bin'), data);
  t.is(command(file, '--fix', fixed).status, 1);
  t.deepEqual(decodeModel(readFileSync(fixed)).graph.initializer[0]?.rawData.length, kernel('', 4).rawData.length);
  mkdirSync(join(directory, 'inner'));
  const outside = moved(convThen([RELU], [], OPEN), '../weights.bin').model;
  writeFileSync(join(directory, 'inner/model.onnx'), encodeModel(outside));
  t.regex(command(join(directory, 'inner/model.onnx')).stdout, /'\.\.\/weights\.bin', which is not there/);
});

test('anchors are told by name or by number, and a file that no format holds is refused', (t) => {
  const directory = scratch(t);
  const file = join(directory, 'model.onnx');
  writeFileSync(file, encodeModel(convThen([RELU], [], OPEN)));
  t.is(command(file, '--anchors', 'p6').status, 0);
  t.is(command(file, '--anchors', '1,2,3,4,5,6').status, 0);
  t.regex(command(file, '--anchors', '1,2').stderr, /must be p5, p6, or three widths and heights a head/);
  const huge = join(directory, 'huge.onnx');
  const handle = openSync(huge, 'w');
  ftruncateSync(handle, 2 ** 31 + 5);
  closeSync(handle);
  t.regex(command(huge).stderr, /has 2147483653 bytes, and a model file of more than/);
});

test('what a file keeps elsewhere is no model for the server', (t) => {
  const { model } = moved(convThen([RELU], [ints('unused', 1)], OPEN), 'weights.bin');
  t.throws(() => decodeModel(encodeModel(model)), { message: /keeps its data in weights\.bin/ });
  t.notThrows(() => decodeModelParts(encodeModel(model)));
});
