import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

/** The C++ interface on a GPU, beside ONNX Runtime: the program and the script that makes its case are native/test's. */
test('a plan that C++ builds answers as ONNX Runtime does, by Forward and by Commit, from any thread', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-api-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const made = spawnSync(python, ['native/test/infer_api_case.py', folder], { encoding: 'utf8' });
  t.is(made.status, 0, made.stderr);
  const program = join('build', 'native', 'infer_api_test');
  const flags = [join(folder, 'model.onnx'), '--size', '16x16', '--compare', folder];
  const { status, stdout, stderr } = spawnSync(program, flags, { encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
  t.regex(stdout, /^ok ONNX Runtime: [1-9]/m);
});
