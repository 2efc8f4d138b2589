import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node } from '../../server/onnx/builder.js';
import { declaredShape, type OnnxModel } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { int64Tensor } from '../../server/onnx/tensor.js';
import { scratch } from '../catalog/scratch.js';
import { convThen } from './models.js';

const FIXABLE = convThen([node('Relu', ['features'], ['output'])], [], { input: [10, 3, 8, 8], output: [10, 4, 4, 4] });
const HOPELESS = convThen([node('Reshape', ['features', 'target'], ['output'])], [int64Tensor('target', [3, 64])]);

function examine(directory: string, model: OnnxModel, ...flags: string[]) {
  const file = join(directory, 'model.onnx');
  writeFileSync(file, encodeModel(model));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/test/onnx/doctor-command.js', 'doctor', file, ...flags],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

test('`doctor` prints what it found, why and what to do, and ends with 0 for warnings', (t) => {
  const { status, stdout } = examine(scratch(t), FIXABLE);
  t.is(status, 0);
  t.regex(stdout, /model\.onnx: opset 17, 2 nodes/);
  t.regex(stdout, /^ {2}input {3}input \[10, 3, 8, 8\]$/m);
  t.regex(stdout, /^warning R4 {3}input 'input' has a fixed batch of 10/m);
  t.regex(stdout, /^ +-> Export with dynamic_axes/m);
  t.regex(stdout, /^0 errors, 2 warnings, 0 notes; 2 can be fixed with --fix/m);
});

test('`doctor` ends with 1 for errors', (t) => {
  const { status, stdout } = examine(scratch(t), HOPELESS);
  t.is(status, 1);
  t.regex(stdout, /^ERROR {3}R3 {3}Reshape 'output\/Reshape': /m);
});

test('`doctor --fix` writes the model for the size asked for', (t) => {
  const directory = scratch(t);
  const fixed = join(directory, 'fixed.onnx');
  const { status, stdout } = examine(directory, FIXABLE, '--width', '32', '--height', '16', '--fix', fixed);
  t.is(status, 0);
  t.regex(
    stdout,
    /fixed\.onnx: written with these changes\n {2}input 'input': \[10, 3, 8, 8\] -> \[batch, 3, 16, 32\]/,
  );
  t.deepEqual(decodeModel(readFileSync(fixed)).graph.output.map(declaredShape), [['batch', 4, 8, 16]]);
});

test('`doctor --fix` writes nothing where the model cannot be fixed, and says so', (t) => {
  const directory = scratch(t);
  const fixed = join(directory, 'fixed.onnx');
  const { status, stdout, stderr } = examine(directory, HOPELESS, '--fix', fixed);
  t.is(status, 1);
  t.regex(stdout, /^ERROR {3}R3/m);
  t.regex(stderr, /nothing was written: Reshape 'output\/Reshape' keeps the model/);
  t.false(existsSync(fixed));
});

test('`doctor --json` prints one object', (t) => {
  const { stdout } = examine(scratch(t), FIXABLE, '--json');
  const report = JSON.parse(stdout);
  t.like(report, { opset: 17, nodes: 2, inputs: [{ name: 'input', shape: [10, 3, 8, 8] }] });
  t.is(report.findings.length, 2);
  t.like(report.findings[0], { rule: 'R4', severity: 'warning', node: null, fixable: true });
});
