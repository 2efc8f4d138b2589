import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { BenchPoint } from '../../server/cli/bench-point.js';
import { runToEnd } from '../clients/client-programs.js';
import { TinyServer } from '../clients/tiny-server.js';
import { encode, spots } from '../support/pictures.js';

const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));

let server: TinyServer;
let directory: string;
let picture: string;
let wreck: string;

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  [picture, wreck] = [join(directory, 'spot.png'), join(directory, 'wreck.jpg')];
  await writeFile(picture, await encode(spots(64, 64, [[20, 24, 230]]), 'png'));
  await writeFile(wreck, Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
  server = await TinyServer.start();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Runs `sluice bench` against the tiny server. */
function bench(...args: readonly string[]) {
  return runToEnd(process.execPath, [MAIN, 'bench', '--server', server.address, ...args]);
}

test.serial('It prints one JSON object a window, with the frames asked for and plausible figures', async (t) => {
  const { code, lines, stderr } = await bench('--model', 'spots', '--window', '1,4', '--frames', '40', picture);
  t.is(code, 0, stderr);
  const points = lines.map((line) => JSON.parse(line) as BenchPoint);
  t.deepEqual(
    points.map(({ model, call, window, streams, frames, errors }) => [model, call, window, streams, frames, errors]),
    [
      ['spots', 'detect', 1, 1, 40, 0],
      ['spots', 'detect', 4, 1, 40, 0],
    ],
  );
  for (const { latency_us: latency, server_p50_us: phases, ...point } of points) {
    t.true(point.frames_per_second > 0 && point.seconds > 0);
    t.true(0 < latency.p50 && latency.p50 <= latency.p90 && latency.p90 <= latency.p95 && latency.p95 <= latency.p99);
    t.true(phases.total >= phases.infer && phases.infer > 0);
  }
  t.is(points[0]?.mean_batch_size, 1);
});

test.serial('It finds out by itself that a model embeds, and shares the frames among streams', async (t) => {
  const { code, lines, stderr } = await bench(
    '--model',
    'means',
    '--window',
    '2',
    '--streams',
    '3',
    '--frames',
    '31',
    '--table',
    picture,
  );
  t.is(code, 0, stderr);
  const point = JSON.parse(lines[0] ?? '') as BenchPoint;
  t.deepEqual([point.call, point.streams, point.frames, point.errors], ['embed', 3, 31, 0]);
  t.regex(stderr, /^model +window +streams +frames .*\nmeans +2 +3 +31 /);
});

test.serial('Frames that fail are counted, and end it with exit code 1', async (t) => {
  const { code, lines, stderr } = await bench('--model', 'spots', '--window', '2', '--frames', '10', picture, wreck);
  t.is(code, 1);
  const { frames, errors } = JSON.parse(lines[0] ?? '') as BenchPoint;
  t.deepEqual([frames, errors], [10, 5]);
  t.regex(stderr, /^5 of 10 frames failed; the first: .*cannot be decoded/);
});

test.serial('Flags that ask for something impossible are refused before anything is sent', async (t) => {
  const refused = async (words: RegExp, ...flags: readonly string[]): Promise<void> => {
    const { code, lines, stderr } = await bench(...flags, picture);
    t.is(code, 2, stderr);
    t.deepEqual(lines, []);
    t.regex(stderr, words);
  };
  await refused(/--window.*whole number/, '--window', '1,none');
  await refused(/--window.*whole number/, '--window', '0');
  await refused(/--streams.*whole number/, '--streams', '1.5');
  await refused(/--seconds.*above 0/, '--seconds', '-1');
  await refused(/--seconds.*cannot be used with.*--frames/, '--seconds', '1', '--frames', '5');
});

test.serial('What a stream refuses is told in the words of the server', async (t) => {
  const unknown = await bench('--model', 'nothing', picture);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /nothing/);
  const tooWide = await bench('--model', 'spots', '--window', '100000', '--frames', '5', picture);
  t.is(tooWide.code, 1);
  t.regex(tooWide.stderr, /window/);
});
