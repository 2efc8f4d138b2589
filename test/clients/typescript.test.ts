import { status } from '@grpc/grpc-js';
import test from 'ava';
import {
  HealthClient,
  RepositoryClient,
  SluiceClient,
  type RawPixels,
  type StreamSettings,
} from '../../clients/typescript/index.js';
import { plain } from '../support/pictures.js';
import { SIDE, TinyServer } from './tiny-server.js';

/** What the TypeScript package has beside its streams, which most tests of the server go through. */

let server: TinyServer;

test.before(async () => {
  server = await TinyServer.start();
});

test.after.always(async () => {
  await server?.[Symbol.asyncDispose]();
});

test('A stream that takes too long fails', async (t) => {
  await t.throwsAsync(watchEndlessly({ deadlineMs: 200 }), { code: status.DEADLINE_EXCEEDED });
});

test('A stream that is aborted fails, before it begins as well', async (t) => {
  await t.throwsAsync(watchEndlessly({ signal: AbortSignal.timeout(200) }), { code: status.CANCELLED });
  await t.throwsAsync(watchEndlessly({ signal: AbortSignal.abort() }), { code: status.CANCELLED });
});

test('The repository is told, unless the call is over before', async (t) => {
  using client = await RepositoryClient.connect(server.address);
  const models = await client.list({ deadlineMs: 60_000 });
  t.deepEqual(
    models.map(({ name }) => name),
    ['colors', 'kinds', 'means', 'spots'],
  );
  await t.throwsAsync(client.list({ signal: AbortSignal.abort() }), { code: status.CANCELLED });
  await t.throwsAsync(client.list({ deadlineMs: -1 }), { code: status.DEADLINE_EXCEEDED });
  await t.throwsAsync(client.load('spots'), { code: status.FAILED_PRECONDITION });
});

test('The server and its models are ready, and one that it does not know is not found', async (t) => {
  using client = await HealthClient.connect(server.address);
  t.true(await client.ready());
  t.true(await client.ready('spots'));
  await t.throwsAsync(client.ready('nothing'), { code: status.NOT_FOUND });
});

test('Who watches is told at once, until the signal', async (t) => {
  using client = await HealthClient.connect(server.address);
  const stop = new AbortController();
  const states = client.watch('spots', { signal: stop.signal });
  t.deepEqual(await states.next(), { value: true, done: false });
  stop.abort();
  await t.throwsAsync(states.next(), { code: status.CANCELLED });
  t.deepEqual(await client.watch('nothing').next(), { value: false, done: false });
});

test('Who watches is told when the server goes', async (t) => {
  const leaving = await TinyServer.start();
  using client = await HealthClient.connect(leaving.address);
  const states = client.watch();
  t.deepEqual(await states.next(), { value: true, done: false });
  const next = states.next();
  await leaving[Symbol.asyncDispose]();
  t.deepEqual(await next, { value: false, done: false });
});

async function watchEndlessly(settings: StreamSettings): Promise<void> {
  using client = await SluiceClient.connect(server.address);
  for await (const { frame } of client.detect(endless(), { model: 'spots', ...settings })) void frame;
}

function* endless(): Generator<{ picture: RawPixels }> {
  const picture = plain(SIDE, SIDE, [0, 0, 0]);
  while (true) yield { picture };
}
