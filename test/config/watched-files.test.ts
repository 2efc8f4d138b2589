import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { WatchedFiles } from '../../server/config/watched-files.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { SecretVolume } from '../support/secret-volume.js';

/** Files that are taken unless one of them says `bad`, and what has become of them. */
async function open(files: readonly string[]) {
  const seen: string[] = [];
  const clock = new FakeClock();
  const { watch, value } = await WatchedFiles.open({
    files,
    parse: (contents) => {
      const text = contents.map(String).join('+');
      if (text.includes('bad')) throw new Error(`${text} is no good`);
      return text;
    },
    onChange: (text) => seen.push(text),
    onRefusal: (reason) => seen.push(`refused: ${reason}`),
    clock,
  });
  return { watch, value, seen, clock };
}

test('what two looks have found is taken, once', async (t) => {
  await using directory = await ScratchDirectory.create();
  const files = [await directory.write('a', '1'), await directory.write('b', '2')];
  const { watch, value, seen } = await open(files);
  using _watch = watch;
  t.is(value, '1+2');
  await watch.look();
  await watch.look();
  t.deepEqual(seen, []);
  await directory.write('a', '3');
  await watch.look();
  t.deepEqual(seen, []);
  await watch.look();
  await watch.look();
  t.deepEqual(seen, ['3+2']);
});

test('a pair that is being written is not judged half-way', async (t) => {
  await using directory = await ScratchDirectory.create();
  const files = [await directory.write('a', '1'), await directory.write('b', '2')];
  const { watch, seen } = await open(files);
  using _watch = watch;
  await directory.write('a', 'bad');
  await watch.look();
  await directory.write('a', '3');
  await watch.look();
  await directory.write('b', '4');
  await watch.look();
  t.deepEqual(seen, []);
  await watch.look();
  t.deepEqual(seen, ['3+4']);
});

test('what is no good, or is missing, is told once, and the next that is good is taken', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('a', '1');
  const { watch, seen } = await open([file]);
  using _watch = watch;
  await directory.write('a', 'bad');
  for (let look = 0; look < 4; look++) await watch.look();
  t.deepEqual(seen, ['refused: bad is no good']);
  await rm(file);
  for (let look = 0; look < 4; look++) await watch.look();
  t.is(seen.length, 2);
  t.regex(seen[1]!, /^refused: ENOENT/);
  await directory.write('a', '2');
  for (let look = 0; look < 4; look++) await watch.look();
  t.is(seen[2], '2');
});

test('the links of a Kubernetes secret are followed', async (t) => {
  await using volume = await SecretVolume.create({ a: '1', b: '2' });
  const { watch, value, seen } = await open([volume.path('a'), volume.path('b')]);
  using _watch = watch;
  t.is(value, '1+2');
  await volume.update({ a: '3', b: '4' });
  await watch.look();
  await watch.look();
  t.deepEqual(seen, ['3+4']);
});

test('it looks by the clock, and no more once it is closed', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('a', '1');
  const { watch, seen, clock } = await open([file]);
  await directory.write('a', '2');
  await eventually('time has it look again', () => {
    clock.advance(500_000);
    return seen.length > 0;
  });
  t.deepEqual(seen, ['2']);
  watch[Symbol.dispose]();
  await directory.write('a', '3');
  await watch.look();
  await watch.look();
  t.deepEqual(seen, ['2']);
});

test('files that are not there, or no good, are not opened', async (t) => {
  await using directory = await ScratchDirectory.create();
  await t.throwsAsync(open([join(directory.path, 'none')]), { code: 'ENOENT' });
  await t.throwsAsync(open([await directory.write('a', 'bad')]), { message: 'bad is no good' });
});
