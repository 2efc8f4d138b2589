import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { encode, spots } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';

async function fill(repository: TestRepository): Promise<void> {
  const input = { width: 32, height: 32 };
  await repository.write('spots/labels.txt', 'spot\n');
  await repository.addModel('spots', { task: 'centerface', labels: 'labels.txt', input }, spotsModel(32, 32));
  await repository.addModel('means', { task: 'embedding', input }, meansModel(32, 32));
}

/** A directory with pictures: one spot, nothing, and what is no picture. */
class Album implements AsyncDisposable {
  readonly one: string;
  readonly none: string;
  readonly noPicture: string;
  readonly missing: string;
  readonly #repository: TestRepository;

  private constructor(repository: TestRepository) {
    this.#repository = repository;
    [this.one, this.none, this.noPicture, this.missing] = ['one.png', 'none.jpg', 'no-picture.png', 'missing.png'].map(
      (name) => this.path(name),
    ) as [string, string, string, string];
  }

  static async create(): Promise<Album> {
    const album = new Album(await TestRepository.create());
    await writeFile(album.one, await encode(spots(32, 32, [[8, 8, 230]]), 'png'));
    await writeFile(album.none, await encode(spots(32, 32, []), 'jpeg'));
    await writeFile(album.noPicture, 'no picture');
    return album;
  }

  path(name: string): string {
    return join(this.#repository.directory, name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#repository[Symbol.asyncDispose]();
  }
}

const LINE = /^one\.png: spot 0\.902 at \(6, 6\)-\(14, 14\)$/m;

test.serial('detect prints a line for each detection, from a server of its own', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  await using album = await Album.create();
  const { code, stdout, stderr } = await sluice(['detect', album.one, '--model-repository', repository.directory]);
  t.is(code, 0, stderr);
  const lines = stdout.trim().split('\n');
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', LINE);
});

test.serial('detect asks a running server with --server, and says when nothing was found', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const { code, stdout } = await sluice(['detect', album.one, album.none, '--server', serving.server.grpcAddress]);
  t.is(code, 0);
  const lines = stdout.trim().split('\n');
  t.is(lines.length, 2);
  t.regex(lines[0] ?? '', LINE);
  t.regex(lines[1] ?? '', /^none\.jpg: nothing found$/);
  t.is(await serving.metrics.executed('spots'), 2);
});

test.serial('--score-threshold decides what is printed', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const flags = ['detect', album.one, '--server', serving.server.grpcAddress, '--score-threshold'];
  t.regex((await sluice([...flags, '0.89'])).stdout, LINE);
  t.regex((await sluice([...flags, '0.95'])).stdout, /nothing found/);
});

test.serial('--json prints an object a picture, with everything that the protocol tells', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const flags = ['--server', serving.server.grpcAddress, '--json'];
  const { code, stdout } = await sluice(['detect', album.one, album.none, ...flags]);
  t.is(code, 0);
  const [one, none] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown> & { detections: Record<string, unknown>[] });
  t.is(one?.['image'], album.one);
  t.deepEqual([one?.['width'], one?.['height'], one?.['modelName']], [32, 32, 'spots']);
  t.deepEqual([one?.detections[0]?.['label'], one?.detections[0]?.['classId']], ['spot', 0]);
  t.deepEqual(none?.detections, []);
});

test.serial('a picture that cannot be read is told, the others are printed, and the exit code is 1', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const flags = ['--server', serving.server.grpcAddress];
  for (const command of ['detect', 'embed']) {
    const { code, stdout, stderr } = await sluice([command, album.one, album.noPicture, album.none, ...flags]);
    t.is(code, 1, command);
    t.regex(stdout, /^one\.png: /m);
    t.regex(stdout, /^none\.jpg: /m);
    t.regex(stderr, /no-picture\.png: .*BAD_IMAGE/);
  }
});

test.serial('a file that is missing is told, the others are printed, and the exit code is 1', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const flags = ['--server', serving.server.grpcAddress];
  const { code, stdout, stderr } = await sluice(['detect', album.one, album.missing, album.none, ...flags]);
  t.is(code, 1);
  t.regex(stderr, /missing\.png/);
  t.regex(stdout, /^one\.png: /m);
  t.regex(stdout, /^none\.jpg: /m);
});

test.serial('a picture may lie behind a path of any length', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const deep = album.path(join('d'.repeat(100), 'e'.repeat(100), 'f'.repeat(100)));
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, 'one.png'), await readFile(album.one));
  const flags = ['--server', serving.server.grpcAddress];
  const { code, stdout, stderr } = await sluice(['detect', join(deep, 'one.png'), ...flags]);
  t.is(code, 0, stderr);
  t.regex(stdout, LINE);
});

test.serial('--out writes the picture with boxes drawn', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const out = album.path('out.png');
  const flags = ['--server', serving.server.grpcAddress, '--out', out];
  t.is((await sluice(['detect', album.one, ...flags])).code, 0);
  const drawn = sharp(out);
  const { format, width, height } = await drawn.metadata();
  t.deepEqual([format, width, height], ['png', 32, 32]);
  const pixels = await drawn.removeAlpha().raw().toBuffer();
  const before = await sharp(album.one).raw().toBuffer();
  t.false(pixels.equals(before), 'something is drawn');
});

test.serial('--out writes nothing for a picture that failed', async (t) => {
  await using serving = await Serving.start(fill);
  await using album = await Album.create();
  const out = album.path('out.png');
  const flags = ['--server', serving.server.grpcAddress, '--out', out];
  t.is((await sluice(['detect', album.noPicture, ...flags])).code, 1);
  await t.throwsAsync(readFile(out), { code: 'ENOENT' });
});

test.serial('embed prints a line a picture, and the whole vector with --json', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  await using album = await Album.create();
  const flags = ['--model-repository', repository.directory];
  const { code, stdout } = await sluice(['embed', album.one, album.none, ...flags]);
  t.is(code, 0);
  t.deepEqual(stdout.trim().split('\n').length, 2);
  t.regex(stdout, /^one\.png: .*3 values/m);
  const json = JSON.parse((await sluice(['embed', album.one, ...flags, '--json'])).stdout) as {
    embeddings: readonly { values: readonly number[] }[];
  };
  t.is(json.embeddings.length, 1);
  t.is(json.embeddings[0]?.values.length, 3);
});
