import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  cppPrograms,
  goPrograms,
  javaPrograms,
  pythonPrograms,
  runPython,
  runToEnd,
  type ClientPrograms,
} from './client-programs.js';
import { TinyServer } from './tiny-server.js';

/** The packages' own tests, in their languages, against a real server. */

let server: TinyServer;

test.before(async () => {
  server = await TinyServer.start();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
});

testPackage(pythonPrograms, async (t) => {
  const args = ['discover', '--start-directory', join('clients', 'python')];
  const { code, stderr } = await runPython(['-m', 'unittest', ...args], { SLUICE_SERVER: server.address });
  t.is(code, 0, stderr);
  t.regex(stderr, /^Ran \d+ tests/m);
});

test.serial('The Python package and its programs are typed throughout', async (t) => {
  const directory = join('clients', 'python');
  const args = ['--config-file', join(directory, 'pyproject.toml'), '--cache-dir', join('build', 'mypy')];
  const checked = ['sluice_client', 'detect.py', 'embed.py', 'quickstart.py'].map((name) => join(directory, name));
  const { code, lines } = await runPython(['-m', 'mypy', ...args, ...checked], { MYPYPATH: directory });
  t.is(code, 0, lines.join('\n'));
});

testPackage(goPrograms, async (t) => {
  const args = ['-C', join('clients', 'go'), 'test', '-count=1', '-v', './sluiceclient'];
  const { code, lines, stderr } = await runToEnd('go', args, { SLUICE_SERVER: server.address });
  t.is(code, 0, [...lines, stderr].join('\n'));
  t.true(lines.some((line) => line.startsWith('--- PASS')));
  t.false(lines.some((line) => line.startsWith('--- SKIP')));
});

testPackage(javaPrograms, async (t) => {
  const args = ['--batch-mode', '--file', join('clients', 'java'), 'test'];
  const { code, lines, stderr } = await runToEnd('mvn', args, { SLUICE_SERVER: server.address });
  t.is(code, 0, [...lines, stderr].join('\n'));
  t.true(lines.some((line) => /Tests run: [1-9]\d*, Failures: 0, Errors: 0, Skipped: 0/.test(line)));
});

testPackage(cppPrograms, async (t) => {
  const { code, lines, stderr } = await runToEnd(join('build', 'cpp', 'client_test'), [], {
    SLUICE_SERVER: server.address,
  });
  t.is(code, 0, [...lines, stderr].join('\n'));
  t.true(lines.some((line) => line.startsWith('passed: ')));
});

/** Adds the test of one language's package, or tells why it cannot run. One by one, as each has tests of its own time. */
function testPackage({ language, missing }: ClientPrograms, body: (t: ExecutionContext) => Promise<void>): void {
  const sentence = `The ${language} package passes its own tests`;
  if (missing === null) test.serial(sentence, body);
  else test.skip(`${sentence} (${missing})`, body);
}
