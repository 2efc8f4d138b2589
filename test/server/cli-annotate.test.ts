import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DetectDouble } from '../support/detect-double.js';
import { encode, plain } from '../support/pictures.js';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';

/** `sluice detect --annotate`, asked of a double of the server: what is drawn is the server's to test. */

let album: TestRepository;

test.beforeEach(async () => {
  album = await TestRepository.create();
  for (const name of ['a.png', 'b.png']) await album.write(name, await encode(plain(32, 32, [0, 0, 0]), 'png'));
});

test.afterEach.always(() => album?.[Symbol.asyncDispose]());

function path(name: string): string {
  return join(album.directory, name);
}

test.serial('--annotate writes what the server has drawn, a JPEG of each name', async (t) => {
  await using double = await DetectDouble.start(({ frame }) => ({ annotated: Buffer.from(`JPEG ${frame?.frameId}`) }));
  const flags = ['--annotate', path('drawn'), '--server', double.address];
  const { code, stdout, stderr } = await sluice(['detect', path('a.png'), path('b.png'), ...flags]);
  t.is(code, 0, stderr);
  t.is(stdout, 'a.png: nothing found\nb.png: nothing found\n');
  t.deepEqual((await readdir(path('drawn'))).sort(), ['a.jpg', 'b.jpg']);
  t.is(await readFile(path('drawn/a.jpg'), 'utf8'), 'JPEG 0');
  t.is(await readFile(path('drawn/b.jpg'), 'utf8'), 'JPEG 1');
  t.is(double.requests[0]?.options?.annotate, true);
});

test.serial('a server that does not draw is told of, and nothing is written', async (t) => {
  await using double = await DetectDouble.start(() => ({}));
  const flags = ['--annotate', path('drawn'), '--server', double.address];
  const { code, stdout, stderr } = await sluice(['detect', path('a.png'), ...flags]);
  t.is(code, 1);
  t.is(stdout, 'a.png: nothing found\n');
  t.regex(stderr, /^a\.png: the server has not drawn anything/);
  t.deepEqual(await readdir(path('drawn')), []);
});

test.serial('a picture that failed is told of once, and without --annotate nothing is drawn', async (t) => {
  const error = { status: 3, code: 'BAD_IMAGE', message: 'broken', retryable: false };
  await using double = await DetectDouble.start(({ frame }) =>
    frame?.frameId === '0' ? { frame: failed(frame.frameId, error) } : {},
  );
  const flags = ['--server', double.address];
  const failing = await sluice(['detect', path('a.png'), '--annotate', path('drawn'), ...flags]);
  t.is(failing.stderr, 'a.png: BAD_IMAGE: broken\n');
  t.is(failing.code, 1);
  await sluice(['detect', path('b.png'), ...flags]);
  t.is(double.requests.at(-1)?.options?.annotate, false);
});

function failed(frameId: string, error: { status: number; code: string; message: string; retryable: boolean }) {
  const none = { captureTime: undefined, timings: undefined };
  return { frameId, index: 0, modelName: '', modelVersion: '', width: 0, height: 0, error, ...none };
}
