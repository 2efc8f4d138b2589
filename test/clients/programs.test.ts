import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  SluiceClient,
  type DetectResponse,
  type EmbedResponse,
  type Frame,
} from '../../clients/typescript/sluice-client.js';
import { encode, spots } from '../support/pictures.js';
import { allPrograms, type ClientPrograms } from './client-programs.js';
import { describe } from './describe-answer.js';
import { SIDE, TinyServer } from './tiny-server.js';

/** Picture files, by name: spots of several strengths, none, one whose size makes edges fall between pixels, and a wreck. */
const pictures = new Map<string, Buffer>();
const good = ['two.png', 'none.webp', 'large.jpg'];

let server: TinyServer;
let directory: string;

test.before(async () => {
  const twoSpots = spots(SIDE, SIDE, [
    [20, 24, 230],
    [44, 8, 181],
  ]);
  const largeSpot = spots(97, 61, [
    [40, 24, 255],
    [44, 24, 255],
    [40, 28, 255],
    [44, 28, 255],
  ]);
  pictures.set('two.png', await encode(twoSpots, 'png'));
  pictures.set('none.webp', await encode(spots(SIDE, SIDE, []), 'webp'));
  pictures.set('large.jpg', await encode(largeSpot, 'jpeg'));
  pictures.set('corrupt.jpg', Buffer.concat([pictures.get('large.jpg')!.subarray(0, 40), Buffer.alloc(400, 0x55)]));
  directory = await mkdtemp(join(tmpdir(), 'sluice-clients-'));
  for (const [name, bytes] of pictures) await writeFile(join(directory, name), bytes);
  server = await TinyServer.start();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Adds a test of one language's programs, or tells why it cannot run. One by one: many at once would be slow to connect. */
function testProgram(programs: ClientPrograms, title: string, body: (t: ExecutionContext) => Promise<void>): void {
  const sentence = `The ${programs.language} client ${title}`;
  if (programs.missing === null) test.serial(sentence, body);
  else test.skip(`${sentence} (${programs.missing})`, body);
}

for (const programs of allPrograms) {
  const run = (program: 'detect' | 'embed', flags: readonly string[], names: readonly string[]) =>
    programs.run(program, ['--server', server.address, ...flags, ...names.map((name) => join(directory, name))]);

  testProgram(programs, 'prints the detections that the TypeScript client is answered', async (t) => {
    const expected = (await detect(good)).flatMap(describe);
    const ended = await run('detect', ['--model', 'spots'], good);
    t.deepEqual(ended, { code: 0, lines: expected, stderr: '' });
    t.is(expected.filter((line) => line.startsWith('two.png: spot ')).length, 2);
    t.true(expected.includes('none.webp: nothing found'));
    t.true(expected.some((line) => line.startsWith('large.jpg: spot ')));
  });

  testProgram(programs, 'leaves out detections below a threshold of its own', async (t) => {
    const ended = await run('detect', ['--model', 'spots', '--score-threshold', '0.8'], ['two.png']);
    t.regex(ended.lines.join('\n'), /^two\.png: spot 0\.902 at \(.*\)$/);
  });

  testProgram(programs, 'tells of a corrupt picture in the middle of a stream and goes on', async (t) => {
    const ended = await run('detect', ['--model', 'spots'], ['two.png', 'corrupt.jpg', 'none.webp', 'large.jpg']);
    t.is(ended.code, 1);
    t.regex(ended.stderr, /^corrupt\.jpg: BAD_IMAGE: .+\n$/);
    t.deepEqual(ended.lines, (await detect(good)).flatMap(describe));
  });

  testProgram(programs, 'ends with exit code 1 and the words of the server when the model is unknown', async (t) => {
    const ended = await run('detect', ['--model', 'nothing'], good);
    t.is(ended.code, 1);
    t.deepEqual(ended.lines, []);
    t.regex(ended.stderr, /^detect: (NOT_FOUND|NotFound): .*nothing.*\n$/);
  });

  testProgram(programs, 'answers the pictures before one that is not there', async (t) => {
    const ended = await run('detect', ['--model', 'spots'], ['none.webp', 'absent.png', 'two.png']);
    t.is(ended.code, 1);
    t.deepEqual(ended.lines, ['none.webp: nothing found']);
    t.regex(ended.stderr, /^detect: .*absent\.png.*\n$/);
  });

  testProgram(programs, 'is given the embeddings that the TypeScript client is given', async (t) => {
    const ended = await run('embed', ['--model', 'means', '--json'], good);
    t.is(ended.stderr, '');
    t.is(ended.code, 0);
    const embeddings = ended.lines.map((line) => JSON.parse(line) as { image: string; values: number[] });
    const expected = await embed(good);
    t.deepEqual(
      // However a language prints a 32-bit float, it reads back as the same one.
      embeddings.map(({ image, values }) => ({ image, values: values.map(Math.fround) })),
      expected.map(({ frame, embeddings: [first] }) => ({ image: frame!.frameId, values: first!.values })),
    );
    t.is(embeddings[0]!.values.length, 3);
  });

  testProgram(programs, 'prints one line for each embedding', async (t) => {
    const ended = await run('embed', ['--model', 'means'], ['two.png', 'corrupt.jpg']);
    t.deepEqual(ended.lines, ['two.png: embedding of 3 values, length 1.000']);
    t.regex(ended.stderr, /^corrupt\.jpg: BAD_IMAGE: .+\n$/);
    t.is(ended.code, 1);
  });
}

function frames(names: readonly string[]): Frame[] {
  return names.map((id) => ({ id, picture: pictures.get(id)! }));
}

async function detect(names: readonly string[]): Promise<DetectResponse[]> {
  using client = await SluiceClient.connect(server.address);
  return await collect(client.detect(frames(names), { model: 'spots' }));
}

async function embed(names: readonly string[]): Promise<EmbedResponse[]> {
  using client = await SluiceClient.connect(server.address);
  return await collect(client.embed(frames(names), { model: 'means' }));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
