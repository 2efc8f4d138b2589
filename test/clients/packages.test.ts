import { join } from 'node:path';
import test from 'ava';
import { goPrograms, runPython, runToEnd } from './client-programs.js';
import { TinyServer } from './tiny-server.js';

/** The packages' own tests, in their languages, against a real server. */

let server: TinyServer;

test.before(async () => {
  server = await TinyServer.start();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
});

test('The Python package passes its own tests', async (t) => {
  const file = join('clients', 'python', 'test_sluice_client.py');
  const { code, stderr } = await runPython(file, [], { SLUICE_SERVER: server.address });
  t.is(code, 0, stderr);
  t.regex(stderr, /^Ran \d+ tests/m);
});

const goTest = goPrograms.missing === null ? test : test.skip;
const reason = goPrograms.missing === null ? '' : ` (${goPrograms.missing})`;

goTest(`The Go package passes its own tests${reason}`, async (t) => {
  const args = ['-C', join('clients', 'go'), 'test', '-count=1', '-v', './sluiceclient'];
  const { code, lines, stderr } = await runToEnd('go', args, { SLUICE_SERVER: server.address });
  t.is(code, 0, [...lines, stderr].join('\n'));
  t.true(lines.some((line) => line.startsWith('--- PASS')));
  t.false(lines.some((line) => line.startsWith('--- SKIP')));
});
