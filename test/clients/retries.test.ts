import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { eventually } from '../support/eventually.js';
import { encode, plain } from '../support/pictures.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { allPrograms } from './client-programs.js';
import { RefusingServer } from './refusing-server.js';

/** What the clients do when a server is UNAVAILABLE before it has answered anything: they try again, three times at most. */

let scratch: ScratchDirectory;
let picture: string;
/** Small pictures. */
let pictures: string[];
/** More than any client's buffer for retries takes. */
let large: string;

test.before(async () => {
  scratch = await ScratchDirectory.create();
  picture = await scratch.write('black.png', await encode(plain(8, 8, [0, 0, 0]), 'png'));
  const one = await encode(plain(8, 8, [0, 0, 0]), 'png');
  const names = Array.from({ length: 7 }, (_, index) => `picture${index}.png`);
  pictures = await Promise.all(names.map((name) => scratch.write(name, one)));
  large = await scratch.write(
    'noise.png',
    await encode({ ...plain(800, 800, [0, 0, 0]), data: randomBytes(800 * 800 * 3) }, 'png'),
  );
});

test.after.always(async () => {
  await scratch?.[Symbol.asyncDispose]();
});

for (const { language, missing, run } of allPrograms) {
  const add = (title: string, body: (t: ExecutionContext) => Promise<void>): void => {
    const sentence = `The ${language} client ${title}`;
    if (missing === null) test.serial(sentence, body);
    else test.skip(`${sentence} (${missing})`, () => {});
  };

  add('answers a large picture, or says that it was refused', async (t) => {
    for (let round = 0; round < 4; round++) {
      await using server = await RefusingServer.start(2);
      const ended = await run('detect', ['--server', server.address, large]);
      // The others leave it to gRPC, whose buffer the picture may not fit.
      const always = language === 'C++' || language === 'Python';
      if (ended.code === 0 || always) t.deepEqual(ended.lines, ['noise.png: nothing found']);
      else t.regex(ended.stderr, /^detect: (UNAVAILABLE|Unavailable): come back later\n$/);
    }
  });

  add('sends again, in order, what a stream had taken that was refused before it answered', async (t) => {
    await using server = await RefusingServer.start(2, 5);
    const ended = await run('detect', ['--server', server.address, ...pictures]);
    const lines = pictures.map((_, index) => `picture${index}.png: nothing found`);
    t.deepEqual(ended, { code: 0, lines, stderr: '' });
    t.is(server.calls, 3);
  });

  add('tries a stream again that was refused', async (t) => {
    await using server = await RefusingServer.start(3);
    const ended = await run('detect', ['--server', server.address, picture]);
    t.deepEqual(ended, { code: 0, lines: ['black.png: nothing found'], stderr: '' });
    t.is(server.calls, 4);
  });

  add('sends again what was not answered when its connection was cut', async (t) => {
    // The first stream is never answered, nor refused.
    await using server = await RefusingServer.start(1, Infinity);
    using proxy = await TcpProxy.create(server.address);
    const running = run('detect', ['--server', proxy.address, ...pictures]);
    await eventually('all frames are there', () => server.frames === pictures.length);
    proxy.cut();
    const lines = pictures.map((_, index) => `picture${index}.png: nothing found`);
    t.deepEqual(await running, { code: 0, lines, stderr: '' });
    t.is(server.calls, 2);
  });

  add('gives up after the fourth refusal', async (t) => {
    await using server = await RefusingServer.start(100);
    const ended = await run('detect', ['--server', server.address, picture]);
    t.is(ended.code, 1);
    t.regex(ended.stderr, /^detect: (UNAVAILABLE|Unavailable): come back later\n$/);
    t.is(server.calls, 4);
  });
}

test.serial(
  'The TypeScript client tries a stream again that was refused, and gives up after the fourth refusal',
  async (t) => {
    for (const refusals of [3, 100]) {
      await using server = await RefusingServer.start(refusals);
      using client = await SluiceClient.connect(server.address);
      const answers = client.detect([{ id: 'black', picture: plain(8, 8, [0, 0, 0]) }]);
      if (refusals === 3) t.is((await answers.next()).value?.frame?.frameId, 'black');
      else await t.throwsAsync(answers.next(), { message: /UNAVAILABLE: come back later/ });
      t.is(server.calls, 4);
    }
  },
);
