import test from 'ava';
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { CatalogError } from '../../server/catalog/catalog-error.js';
import { parseCatalog } from '../../server/catalog/catalog.js';
import { parseModelConfig } from '../../server/config/model-config-file.js';

const HASH = 'a'.repeat(64);

function entry(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'face',
    target: 'face/1/model.onnx',
    source: { type: 'pypi', package: 'faces', version: '1.0', file: 'faces/model.onnx', file_sha256: HASH },
    licence: 'MIT',
    origin: 'https://example.org/faces',
    ...changes,
  };
}

function read(...entries: unknown[]) {
  return parseCatalog(stringify({ entries }), 'catalog.yaml');
}

test('the catalogue of the repository names two models and a sample with their licences', (t) => {
  const entries = parseCatalog(readFileSync('model-repo/catalog.yaml', 'utf8'), 'model-repo/catalog.yaml');
  t.deepEqual(
    entries.map(({ name, role, licence }) => [name, role, licence]),
    [
      ['centerface', 'model', 'MIT'],
      ['reid', 'model', 'MIT'],
      ['astronaut', 'sample', 'Public domain (NASA)'],
    ],
  );
});

for (const name of ['centerface', 'reid']) {
  test(`the configuration of ${name} is sound`, (t) => {
    const file = `model-repo/${name}/config.yaml`;
    t.notThrows(() => parseModelConfig(readFileSync(file, 'utf8'), file));
  });
}

test('all problems of a catalogue are told at once, with their places', (t) => {
  const error = t.throws(
    () =>
      read(
        entry({ target: '../outside/model.onnx', licence: '' }),
        entry({ source: { type: 'npm', package: 'UPPER', version: 'latest stable', file: 'x', file_sha256: 'short' } }),
        entry({ surprise: 1 }),
      ),
    { instanceOf: CatalogError },
  );
  for (const place of ['entries[0].target', 'entries[0].licence', 'entries[1].source.package', 'entries[2]']) {
    t.true(error.message.includes(`catalog.yaml: ${place}: `), `${place} in ${error.message}`);
  }
  t.true(error.message.includes('entries[1].source.version'));
  t.true(error.message.includes('entries[1].source.file_sha256'));
});

for (const target of ['/etc/model.onnx', 'a/../../b', '..', 'a\\b', 'a//b', './a', 'a/']) {
  test(`a target is a plain path inside the repository, so ${JSON.stringify(target)} is refused`, (t) => {
    t.throws(() => read(entry({ target })), { message: /entries\[0\]\.target: must be a path inside/ });
  });
}

test('a source without any hash is refused', (t) => {
  const source = { type: 'url', url: 'https://example.org/model.onnx' };
  t.throws(() => read(entry({ source })), { message: /needs archive_sha256 or file_sha256/ });
});

test('only addresses of the web are taken', (t) => {
  const source = { type: 'url', url: 'file:///etc/passwd', file_sha256: HASH };
  t.throws(() => read(entry({ source })), { message: /entries\[0\]\.source\.url/ });
});

test('names and targets that are there twice are refused', (t) => {
  const error = t.throws(() => read(entry(), entry()));
  t.true(error.message.includes("entries[1].name: 'face' is there twice"));
  t.true(error.message.includes("entries[1].target: 'face/1/model.onnx' is there twice"));
});

test('text that is no YAML is told with its line', (t) => {
  t.throws(() => parseCatalog('entries: [', 'catalog.yaml'), { message: /^catalog\.yaml: .*line 1/s });
  t.throws(() => parseCatalog('', 'catalog.yaml'), { message: /must be a map/ });
});
