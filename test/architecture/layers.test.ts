import { access, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { cycles, danglingImports, forbiddenImports, longFiles, wrongDoors } from './checker.js';
import { MOST_LINES } from './rules.js';
import { readSources } from './source.js';

/** What rules.ts says, held against the sources. The tests run from dist/test/architecture/. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const sources = await readSources(`${ROOT}server`);

test('the sources are found', (t) => {
  t.true(sources.length > 50);
  t.deepEqual(danglingImports(sources), []);
});

test('each part of the server imports only what the table allows', (t) => {
  t.deepEqual(forbiddenImports(sources), []);
});

test('the outside world is used at its doors only', (t) => {
  t.deepEqual(wrongDoors(sources), []);
});

test('no files import one another in a cycle', (t) => {
  t.deepEqual(cycles(sources), []);
});

test(`no file has more than ${MOST_LINES} lines`, (t) => {
  t.deepEqual(longFiles(sources, MOST_LINES), []);
});

test('every file that ARCHITECTURE.md names is there', async (t) => {
  const page = await readFile(`${ROOT}ARCHITECTURE.md`, 'utf8');
  const named = new Set(
    page.match(/\b(?:app|(?:core|grpc|http|runtime|config|cli|catalog|onnx)\/[a-z][a-z0-9/-]*)\.ts\b/g),
  );
  t.true(named.size > 5);
  const missing: string[] = [];
  for (const path of named) await access(`${ROOT}server/${path}`).catch(() => missing.push(path));
  t.deepEqual(missing, []);
});
