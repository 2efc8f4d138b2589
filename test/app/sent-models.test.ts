import { access, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { SentModels } from '../../server/app/sent-models.js';
import { eventually } from '../support/eventually.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

/** Which directories are there, and for how long. */

const SENT = { config: '{"task": "tensors"}', files: new Map([['1/model.onnx', Uint8Array.of(1, 2, 3)]]) };

const done = async (): Promise<void> => {};

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

test('a directory stays for as long as something of it is left, and then goes', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = new SentModels(join(scratch.path, 'root'));
  const first = (await models.write('a', SENT)).directory!;
  t.is(basename(first), 'a', 'the model is called as its directory is');
  t.is((await stat(join(first, '1', 'model.onnx'))).size, 3);
  await models.replace('a', first, done, done);

  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const second = (await models.write('a', SENT)).directory!;
  await models.replace('a', second, done, () => released);
  t.true(await exists(first), 'it is still used');
  release();
  await eventually('the first is gone', async () => !(await exists(first)));
  t.true(await exists(second), 'the second is used');
});

test('where a load fails its directory goes, and that before it stays', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = new SentModels(join(scratch.path, 'root'));
  const good = (await models.write('a', SENT)).directory!;
  await models.replace('a', good, done, done);
  const bad = (await models.write('a', SENT)).directory!;
  const failing = async () => Promise.reject(new Error('no'));
  await t.throwsAsync(models.replace('a', bad, failing, done), { message: 'no' });
  await t.throwsAsync(models.replace('a', null, failing, done), { message: 'no' });
  t.false(await exists(bad), 'the new one is gone');
  t.true(await exists(good), 'what serves has its files');
});

test('an unload that a later load overtakes takes nothing away from that', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = new SentModels(join(scratch.path, 'root'));
  const first = (await models.write('a', SENT)).directory!;
  await models.replace('a', first, done, done);
  let unloaded = (): void => {};
  const unload = models.replace('a', null, () => new Promise<void>((resolve) => (unloaded = resolve)), done);
  const second = (await models.write('a', SENT)).directory!;
  await models.replace('a', second, done, done);
  unloaded();
  await unload;
  await eventually('the first is gone', async () => !(await exists(first)));
  t.true(await exists(second), 'the second is used');
  await models.replace('a', null, done, done);
  await eventually('the second is gone', async () => !(await exists(second)));
});

test('without files nothing is written', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = new SentModels(join(scratch.path, 'root'));
  t.deepEqual(await models.write('a', { config: '{}', files: new Map() }), { config: '{}', directory: null });
  t.false(await exists(models.root), 'no directory is needed');
});
