import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { allPrograms } from './client-programs.js';
import { describe } from './describe-answer.js';
import { installPython, installTypeScript, type InstalledDetect } from './installed-packages.js';

/** The examples of all languages, on a sequence of pictures as a camera would send it, against the model that is committed. */

const EXAMPLE = join('model-repo', 'shapes', 'example.png');
const FRAMES = 12;

let scratch: ScratchDirectory;
let server: ServerProcess;
let files: readonly string[];
let expected: readonly string[];

test.before(async () => {
  scratch = await ScratchDirectory.create();
  files = await drawSequence(scratch.path);
  server = await ServerProcess.start({
    modelRepository: 'model-repo',
    flags: ['--model-control-mode', 'explicit', '--load-model', 'shapes'],
  });
  expected = await boxes();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

test('the square of the example is where the README says', (t) => {
  t.is(expected[0], '00.png: square 0.960 at (12, 69)-(63, 122)');
  t.true(new Set(expected.map((line) => line.slice(line.indexOf(' at ')))).size >= FRAMES);
});

for (const { language, missing, run } of allPrograms) {
  const sentence = `The ${language} example finds the same boxes`;
  if (missing === null) test.serial(sentence, async (t) => compare(t, (args) => run('detect', args)));
  else test.skip(`${sentence} (${missing})`, () => {});
}

test.serial('The TypeScript package, installed by itself, finds the same boxes', async (t) => {
  await compare(t, await installTypeScript(scratch.path));
});

test.serial('The Python package, installed by itself, finds the same boxes', async (t) => {
  await compare(t, await installPython(scratch.path));
});

async function compare(t: ExecutionContext, detect: InstalledDetect): Promise<void> {
  const ended = await detect(['--server', server.grpcAddress, '--model', 'shapes', ...files]);
  t.deepEqual(ended, { code: 0, lines: expected, stderr: '' });
}

/** The example, and the example as a camera sees it that turns to the left, a few pixels a frame. */
async function drawSequence(directory: string): Promise<string[]> {
  const { width, height } = await sharp(EXAMPLE).metadata();
  return await Promise.all(
    Array.from({ length: FRAMES }, async (_, index) => {
      const file = join(directory, `${String(index).padStart(2, '0')}.png`);
      const shift = 2 * index;
      const picture =
        shift === 0
          ? await readFile(EXAMPLE)
          : await sharp(EXAMPLE)
              .extract({ left: 0, top: 0, width: width - shift, height })
              .extend({ left: shift, extendWith: 'copy' })
              .png()
              .toBuffer();
      await writeFile(file, picture);
      return file;
    }),
  );
}

/** What the client of this repository is answered. */
async function boxes(): Promise<string[]> {
  using client = await SluiceClient.connect(server.grpcAddress);
  const frames = await Promise.all(files.map(async (file) => ({ id: file.slice(-6), picture: await readFile(file) })));
  const lines: string[] = [];
  for await (const answer of client.detect(frames, { model: 'shapes' })) lines.push(...describe(answer));
  return lines;
}
