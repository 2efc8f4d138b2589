import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import type { RawPixels } from '../../clients/typescript/sluice-client.js';
import { encode, plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { colorsModel } from '../support/tiny-models.js';

/** `sluice segment`, by a model that tells each cell of 4x4 pixels red, green or blue. */

let serving: Serving;
let album: TestRepository;
let flags: readonly string[];

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const config = { task: 'segmentation', input: { width: 32, height: 32 }, preprocess: { scale: 1 / 255 } };
    await repository.write('colors/labels.txt', 'red\ngreen\nblue\n');
    await repository.addModel('colors', { ...config, labels: 'labels.txt' }, colorsModel(32, 32, 'planes first'));
    await repository.addModel('nameless', config, colorsModel(32, 32, 'planes first'));
  });
  flags = ['--server', serving.server.grpcAddress, '--model'];
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

test.beforeEach(async () => {
  album = await TestRepository.create();
  await album.write('flag.png', await encode(flag(32), 'png'));
  await album.write('sky.webp', await encode(plain(32, 32, [0, 0, 200]), 'webp'));
  await album.write('wreck.jpg', 'no picture');
});

test.afterEach.always(() => album?.[Symbol.asyncDispose]());

/** Blue in the first quarter of the columns, red in the others. */
function flag(side: number): RawPixels {
  const picture = plain(side, side, [200, 0, 0]);
  for (let pixel = 0; pixel < side * side; pixel++) {
    if (pixel % side < side / 4) picture.data.set([0, 0, 200], pixel * 3);
  }
  return picture;
}

function path(name: string): string {
  return join(album.directory, name);
}

test.serial('segment prints the classes of each picture with their share', async (t) => {
  const { code, stdout, stderr } = await sluice(['segment', path('flag.png'), path('sky.webp'), ...flags, 'colors']);
  t.is(code, 0, stderr);
  t.is(stdout, 'flag.png: red 75.0%, blue 25.0%\nsky.webp: blue 100.0%\n');
});

test.serial('classes without a name are told by their number', async (t) => {
  const { stdout } = await sluice(['segment', path('flag.png'), ...flags, 'nameless']);
  t.is(stdout, 'flag.png: class 0 75.0%, class 2 25.0%\n');
});

test.serial('--out writes a map of classes for each picture that did not fail, in a new directory', async (t) => {
  const out = path('new/maps');
  const images = ['flag.png', 'wreck.jpg', 'sky.webp'].map(path);
  const { code, stdout, stderr } = await sluice(['segment', ...images, '--out', out, ...flags, 'colors']);
  t.is(code, 1);
  t.is(stdout.trim().split('\n').length, 2);
  t.regex(stderr, /^wreck\.jpg: BAD_IMAGE/);
  t.deepEqual((await readdir(out)).sort(), ['flag.png', 'sky.png']);
  t.like(await sharp(join(out, 'flag.png')).metadata(), { format: 'png', width: 32, height: 32, channels: 1 });
  const { data, info } = await sharp(join(out, 'flag.png')).raw().toBuffer({ resolveWithObject: true });
  const wrong = Array.from({ length: 32 * 32 }, (_, pixel) => pixel).find(
    (pixel) => data[pixel * info.channels] !== (pixel % 32 < 8 ? 2 : 0),
  );
  t.is(wrong, undefined);
});

test.serial('--json prints an object a picture', async (t) => {
  const { code, stdout } = await sluice(['segment', path('flag.png'), '--json', ...flags, 'colors']);
  t.is(code, 0);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  t.like(told, { image: path('flag.png'), width: 32, height: 32, modelName: 'colors' });
  t.deepEqual(told['classes'], [
    { classId: 0, label: 'red', pixels: 24 * 32 },
    { classId: 2, label: 'blue', pixels: 8 * 32 },
  ]);
});

test.serial('segment has a server of its own where none is named', async (t) => {
  const repository = ['--model-repository', serving.repository.directory, '--model', 'colors'];
  const { code, stdout, stderr } = await sluice(['segment', path('sky.webp'), ...repository]);
  t.is(code, 0, stderr);
  t.is(stdout, 'sky.webp: blue 100.0%\n');
});

test.serial('--out never writes over a picture, by whatever way it leads there', async (t) => {
  const before = await readFile(path('flag.png'));
  await mkdir(path('elsewhere'));
  await symlink(album.directory, path('elsewhere/link'));
  for (const out of [album.directory, path('elsewhere/link')]) {
    const { code, stderr } = await sluice(['segment', path('flag.png'), '--out', out, ...flags, 'colors']);
    t.is(code, 2);
    t.regex(stderr, /flag\.png/);
  }
  t.deepEqual(await readFile(path('flag.png')), before);
});

test.serial('pictures of one name are a mistake before anything is written', async (t) => {
  await writeFile(path('flag.jpg'), await encode(flag(32), 'jpeg'));
  const out = path('maps');
  const images = ['flag.png', 'flag.jpg'].map(path);
  const { code, stderr } = await sluice(['segment', ...images, '--out', out, ...flags, 'colors']);
  t.is(code, 2);
  t.regex(stderr, /flag\.png and .*flag\.jpg would both be written to flag\.png/);
  await t.throwsAsync(readdir(out), { code: 'ENOENT' });
  t.is((await sluice(['segment', path('flag.png'), path('flag.png'), '--out', out, ...flags, 'colors'])).code, 0);
});
