import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { loadNative } from '../../server/runtime/native.js';

test('the addon has the version of the package', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const info = loadNative().info();
  t.is(info.version, version);
  t.regex(info.compiler, /^(gcc|clang) \d/);
});

test('without a build the loader says what it tried and what to run', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  const sources = ['runtime/native.js', 'runtime/native-file.js', 'core/errors.js'];
  for (const file of sources) cpSync(join('dist/server', file), join(root, 'dist/server', file));
  mkdirSync(join(root, 'build/native/Debug'), { recursive: true });
  writeFileSync(join(root, 'build/native/Debug/sluice.node'), 'not a library');

  const url = pathToFileURL(join(root, 'dist/server/runtime/native.js')).href;
  const program = `const { loadNative } = await import(${JSON.stringify(url)}); loadNative();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  t.not(status, 0);
  t.true(stderr.includes(`run \`make native\` in ${root}`), stderr);
  t.true(stderr.includes(`${join(root, 'build/native/Release/sluice.node')}: no such file`), stderr);
  t.regex(stderr, /Debug\/sluice\.node: .*(invalid ELF header|file too short|not a mach-o)/i);
});

test('threads that come and go, and an exit while they work, leave the process whole', (t) => {
  const program = join('dist', 'test', 'native', 'come-and-go.js');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  t.is(signal, null, stderr);
  t.is(status, 0, stderr);
  t.is(stdout, '12 threads came and went\n');
});
