import { randomBytes } from 'node:crypto';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { RepositoryClient } from '../../clients/typescript/repository-client.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { EmbedRequest, EmbedResponse } from '../../server/gen/sluice/v1/inference.js';
import { embedOne } from '../support/ask.js';
import { eventually } from '../support/eventually.js';
import { GuardedServer } from '../support/guarded-server.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { grey, plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel } from '../support/tiny-models.js';

const LIST = '/sluice.v1.Repository/ListModels';
const EMBED = '/sluice.v1.Inference/Embed';

function serveMeans(...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    const config = { task: 'embedding', input: { width: 512, height: 8 }, preprocess: { resize: 'stretch' } };
    await repository.addModel('means', config, meansModel(512, 8));
  }, flags);
}

test.serial('connections end at their age, calls go on over new ones, and none fails', async (t) => {
  await using served = await GuardedServer.start(['--grpc-max-connection-age', '0.3']);
  using repository = await RepositoryClient.connect(served.address);
  let calls = 0;
  const started = performance.now();
  // Ten ages of one client that does not stop calling.
  while (performance.now() - started < 3000) {
    await Promise.all(Array.from({ length: 8 }, () => repository.list()));
    calls += 8;
  }
  t.true(calls > 100);
  t.is(await served.embed(), 1);
});

test.serial('a stream whose connection is too old ends between frames, and every frame is answered', async (t) => {
  await using served = await GuardedServer.start(['--grpc-max-connection-age', '0.5']);
  using client = await SluiceClient.connect(served.address);
  let sent = 0;
  let answered = 0;
  let wake: () => void = () => {};
  async function* frames() {
    for (;;) {
      yield { picture: grey(sent++ % 200) };
      while (answered < sent) await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const error = await t.throwsAsync(async () => {
    for await (const { frame } of client.embed(frames(), { model: 'means' })) {
      t.is(frame?.error, undefined);
      answered += 1;
      wake();
    }
  });
  t.is((error as unknown as { code: number }).code, Status.UNAVAILABLE);
  t.regex(error.message, /--grpc-max-connection-age allows; open the stream again/);
  t.true(answered > 0);
  // The last frame may have been on its way when the stream ended.
  t.true(sent - answered <= 1);
  t.is((await embedOne(client, { picture: grey(1) }, { model: 'means' })).embeddings.length, 1);
});

test.serial('what still runs after the grace is cut', async (t) => {
  const age = ['--grpc-max-connection-age', '0.3', '--grpc-max-connection-age-grace', '0.3'];
  await using served = await GuardedServer.start(age);
  const session = connect(`http://${served.address}`);
  session.on('error', () => {});
  const goaways: number[] = [];
  session.on('goaway', (code: number) => goaways.push(code));
  const call = session.request({ ':method': 'POST', ':path': LIST, 'content-type': 'application/grpc' });
  call.on('error', () => {});
  let closed = false;
  session.once('close', () => (closed = true));
  await eventually('the server says goodbye', () => goaways.length > 0);
  t.is(goaways[0], 0);
  await eventually('the connection is cut', () => closed);
  t.is(await served.status(LIST), Status.OK);
});

test.serial('a connection may have --grpc-max-concurrent-streams calls open', async (t) => {
  await using served = await GuardedServer.start(['--grpc-max-concurrent-streams', '7']);
  const session = connect(`http://${served.address}`);
  await eventually('the settings have come', () => session.remoteSettings?.maxConcurrentStreams === 7);
  session.destroy();
  t.pass();
});

test.serial('a client that answers no ping in time is gone', async (t) => {
  const flags = ['--grpc-keepalive-time', '1', '--grpc-keepalive-timeout', '0.2'];
  await using served = await GuardedServer.start(flags);
  const { port } = new URL(`http://${served.address}`);
  const [deaf, well] = [connectPlain(Number(port), '127.0.0.1'), connect(`http://${served.address}`)];
  let [pings, closed] = [0, false];
  well.on('ping', () => (pings += 1));
  deaf.once('close', () => (closed = true));
  deaf.on('error', () => {});
  deaf.resume();
  // The beginning of HTTP/2 with settings that say nothing; and nothing more, whatever comes.
  deaf.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')]),
  );
  await eventually('the server has given up', () => closed);
  await eventually('who answers is asked again', () => pings > 1);
  t.false(well.destroyed);
  well.destroy();
});

test.serial('compressed requests are taken', async (t) => {
  await using serving = await serveMeans();
  const frames = [embedOptions({ model: 'means' }), embedFrame(plain(512, 8, [9, 9, 9]))];
  const answer = await exchange(serving.server.grpcAddress, frames.map(packed));
  t.is(answer.status, Status.OK);
  t.is(answer.messages.length, 1);
});

test.serial('a message that grows beyond the limit as it is unpacked ends its call, and nothing else', async (t) => {
  await using serving = await serveMeans('--max-message-bytes', '1048576');
  const bomb = gzipSync(Buffer.alloc(512 << 20));
  t.true(bomb.length < 1_048_576);
  const before = await rss(serving);
  const answer = await exchange(serving.server.grpcAddress, [framed(bomb, 1)]);
  t.is(answer.status, Status.RESOURCE_EXHAUSTED);
  t.regex(answer.details, /1048576/);
  t.true((await rss(serving)) - before < 100 << 20);
  t.is((await embedOne(serving.client, { picture: grey(1) })).embeddings.length, 1);
});

test.serial('what says to be gzip and is not ends its call', async (t) => {
  await using serving = await serveMeans();
  const answer = await exchange(serving.server.grpcAddress, [framed(Buffer.from('no gzip'), 1)]);
  t.is(answer.status, Status.INTERNAL);
  t.is((await embedOne(serving.client, { picture: grey(1) })).embeddings.length, 1);
});

for (const level of ['none', 'low', 'high']) {
  test.serial(`with response compression ${level}, answers are the same to every client`, async (t) => {
    await using serving = await serveMeans('--grpc-infer-response-compression-level', level);
    const { grpcAddress } = serving.server;
    // Twelve frames of one stream, long answers and short ones in turn: their ids make them long.
    const ids = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? 'frame '.repeat(700) : 'short') + index);
    const messages = ids.map((frameId) => framed(encoded(embedFrame(grey(5), { frameId })), 0));
    const [accepting, refusing] = [
      await exchange(grpcAddress, messages, { 'grpc-accept-encoding': 'identity,deflate, gzip' }),
      await exchange(grpcAddress, messages, { 'grpc-accept-encoding': 'identity' }),
    ];
    for (const { status, messages: answers } of [accepting, refusing]) {
      t.is(status, Status.OK);
      t.deepEqual(answers.map(idOf), ids);
    }
    t.is(refusing.packed, 0);
    t.is(accepting.packed, level === 'none' ? 0 : 6);
    if (level !== 'none') t.true(accepting.bytes < refusing.bytes / 4);
  });
}

test.serial('answers that cannot be made shorter go as they are', async (t) => {
  await using serving = await serveMeans('--grpc-infer-response-compression-level', 'high');
  const frameId = randomBytes(6000)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '');
  const answer = await exchange(serving.server.grpcAddress, [framed(encoded(embedFrame(grey(5), { frameId })), 0)], {
    'grpc-accept-encoding': 'gzip',
  });
  t.is(answer.status, Status.OK);
  t.is(idOf(answer.messages[0]!), frameId);
});

interface Exchanged {
  readonly status: number;
  readonly details: string;
  /** Unpacked. */
  readonly messages: readonly Buffer[];
  /** How many of them came compressed. */
  readonly packed: number;
  /** Of the answer's messages as they came. */
  readonly bytes: number;
}

/** A call of Embed over bare HTTP/2, with the bytes as they are on the wire. */
async function exchange(
  address: string,
  messages: readonly Buffer[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Exchanged> {
  const session = connect(`http://${address}`);
  try {
    const call = session.request({
      ':method': 'POST',
      ':path': EMBED,
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      te: 'trailers',
      ...headers,
    });
    const parts: Buffer[] = [];
    let ending: IncomingHttpHeaders = {};
    call.on('response', (head) => (ending = head['grpc-status'] === undefined ? ending : head));
    call.on('trailers', (trailers) => (ending = trailers));
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('error', () => {});
    for (const message of messages) call.write(message);
    call.end();
    await new Promise((resolve) => call.once('close', resolve));
    const { unpacked, packed } = unframe(Buffer.concat(parts));
    return {
      status: Number(ending['grpc-status']),
      details: decodeURI([ending['grpc-message'] ?? ''].join()),
      messages: unpacked,
      packed,
      bytes: Buffer.concat(parts).length,
    };
  } finally {
    session.destroy();
  }
}

function unframe(bytes: Buffer): { unpacked: Buffer[]; packed: number } {
  const unpacked: Buffer[] = [];
  let packed = 0;
  for (let at = 0; at < bytes.length;) {
    const compressed = bytes.readUInt8(at) === 1;
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    const message = bytes.subarray(at + 5, end);
    unpacked.push(compressed ? gunzipSync(message) : message);
    packed += Number(compressed);
    at = end;
  }
  return { unpacked, packed };
}

function idOf(message: Buffer): string | undefined {
  return EmbedResponse.decode(message).frame?.frameId;
}

function framed(message: Buffer, compressed: 0 | 1): Buffer {
  const prefix = Buffer.from([compressed, 0, 0, 0, 0]);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function encoded(message: EmbedRequest): Buffer {
  return Buffer.from(EmbedRequest.encode(message).finish());
}

function packed(message: EmbedRequest): Buffer {
  return framed(gzipSync(encoded(message)), 1);
}

async function rss(serving: Serving): Promise<number> {
  return await serving.metrics.value('process_resident_memory_bytes');
}
