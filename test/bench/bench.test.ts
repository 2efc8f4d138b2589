import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import type { BenchPoint } from '../../server/cli/bench/point.js';
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

/** Runs `sluice bench` against the tiny server; `points` is what it wrote to its JSON file. */
async function bench(...args: readonly string[]) {
  const json = join(directory, 'points.jsonl');
  await rm(json, { force: true });
  const ended = await runToEnd(process.execPath, [MAIN, 'bench', '--server', server.address, '--json', json, ...args]);
  const text = existsSync(json) ? await readFile(json, 'utf8') : '';
  return {
    ...ended,
    points: text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as BenchPoint),
  };
}

test.serial('It measures each concurrency with the requests asked for, and tells plausible figures', async (t) => {
  const { code, points, lines, stderr } = await bench(
    '--model',
    'spots',
    '--concurrency',
    '1,4',
    '--requests',
    '40',
    picture,
  );
  t.is(code, 0, stderr);
  t.deepEqual(
    points.map(({ label, protocol, model, call, concurrency, streams, requests, errors }) => ({
      label,
      protocol,
      model,
      call,
      concurrency,
      streams,
      requests,
      errors,
    })),
    [1, 4].map((concurrency) => ({
      label: 'spots (sluice)',
      protocol: 'sluice' as const,
      model: 'spots',
      call: 'detect',
      concurrency,
      streams: 1,
      requests: 40,
      errors: 0,
    })),
  );
  for (const { latency_us: latency, server_us: phases, ...point } of points) {
    t.true(point.requests_per_second > 0 && point.seconds > 0);
    t.true(0 < latency.p50 && latency.p50 <= latency.p90 && latency.p90 <= latency.p95 && latency.p95 <= latency.p99);
    t.true(phases !== null && phases.of === 'p50' && phases.total >= phases.infer && phases.infer > 0);
  }
  t.is(points[0]?.mean_batch_size, 1);
  t.regex(lines[0] ?? '', /^model +in flight +due\/s +requests +errors /);
  t.regex(lines[1] ?? '', /^spots +1 +- +40 +0 /);
  t.regex(lines[2] ?? '', /^spots +4 +- +40 +0 /);
});

test.serial(
  'It finds out by itself what a model does, and shares the requests among streams and connections',
  async (t) => {
    for (const [model, call] of [
      ['means', 'embed'],
      ['colors', 'segment'],
    ] as const) {
      const load = ['--concurrency', '6', '--streams', '3', '--connections', '2', '--requests', '31'];
      const { code, points, stderr } = await bench('--model', model, ...load, picture);
      t.is(code, 0, stderr);
      const [point] = points;
      t.deepEqual([point?.call, point?.streams, point?.requests, point?.errors], [call, 3, 31, 0]);
    }
  },
);

test.serial('At a rate, requests are as many as are due in the windows, whatever they take', async (t) => {
  const load = ['--rate', '100:200:100', '--arrivals', 'poisson', '--seconds', '0.2', '--windows', '3'];
  const { code, points, stderr } = await bench('--model', 'spots', ...load, picture);
  t.is(code, 0, stderr);
  t.deepEqual(
    points.map(({ rate, arrivals, concurrency, errors }) => [rate, arrivals, concurrency, errors]),
    [
      [100, 'poisson', null, 0],
      [200, 'poisson', null, 0],
    ],
  );
  for (const { requests, late_us: late } of points) t.true(requests > 0 && late.p50 <= late.p99);
});

test.serial('Frames that fail are counted by their error, and end it with exit code 1', async (t) => {
  const load = ['--concurrency', '2', '--requests', '10'];
  const { code, points, lines, stderr } = await bench('--model', 'spots', ...load, picture, wreck);
  t.is(code, 1);
  const [point] = points;
  t.deepEqual([point?.requests, point?.errors, point?.errors_by_status], [10, 5, { BAD_IMAGE: 5 }]);
  t.regex(stderr, /^5 of 10 requests failed; the first: .*cannot be decoded/m);
  t.true(lines.includes('! errors with 2 in flight: 5 BAD_IMAGE'));
});

test.serial('Flags that ask for something impossible are refused before anything is sent', async (t) => {
  const refused = async (words: RegExp, ...flags: readonly string[]): Promise<void> => {
    const { code, lines, stderr } = await bench(...flags, picture);
    t.is(code, 2, stderr);
    t.deepEqual(lines, []);
    t.regex(stderr, words);
  };
  await refused(/--concurrency.*whole number/, '--concurrency', '1,none');
  await refused(/--concurrency.*whole number/, '--concurrency', '0');
  await refused(/--concurrency.*start:end:step/, '--concurrency', '8:1:1');
  await refused(/--streams.*whole number/, '--streams', '1.5');
  await refused(/--seconds.*above 0/, '--seconds', '-1');
  await refused(/--requests.*cannot be used with.*--seconds/, '--seconds', '1', '--requests', '5');
  await refused(/--rate.*cannot be used with.*--concurrency/, '--rate', '10', '--concurrency', '5');
  await refused(/--compare draws: name a file by --svg/, '--compare', 'earlier.jsonl');
  await refused(/--protocol kserve needs --model/, '--protocol', 'kserve');
});

test.serial('What a stream refuses is told in the words of the server', async (t) => {
  const unknown = await bench('--model', 'nothing', picture);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /nothing/);
  const tooWide = await bench('--model', 'spots', '--concurrency', '100000', '--requests', '5', picture);
  t.is(tooWide.code, 1);
  t.regex(tooWide.stderr, /5 of 5 requests failed; the first: .*window/);
  t.deepEqual(tooWide.points[0]?.errors_by_status, { INVALID_ARGUMENT: 5 });
});

test.serial('The curves of several runs are drawn into one picture, each under its label', async (t) => {
  const load = ['--model', 'spots', '--concurrency', '1,2', '--requests', '9'];
  const earlier = join(directory, 'earlier.jsonl');
  t.is((await bench(...load, '--label', 'before & after', picture)).code, 0);
  await rename(join(directory, 'points.jsonl'), earlier);
  const svg = join(directory, 'curves.svg');
  const { code, stderr } = await bench(...load, '--label', 'now', '--compare', earlier, '--svg', svg, picture);
  t.is(code, 0, stderr);
  // An XML parser and a renderer of its own must take it.
  const { width, height } = await sharp(svg).metadata();
  t.deepEqual([width, height], [860, 560]);
  const text = await readFile(svg, 'utf8');
  t.is(text.match(/<polyline/g)?.length, 4);
  t.regex(text, />before &amp; after</);
  t.regex(text, />now</);
});
