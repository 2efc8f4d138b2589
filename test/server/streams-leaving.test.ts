import test from 'ava';
import { status } from '@grpc/grpc-js';
import { FramePolicy } from '../../clients/typescript/sluice-client.js';
import { embedOne } from '../support/ask.js';
import { eventually, settled } from '../support/eventually.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { grey, plain } from '../support/pictures.js';
import type { Serving } from '../support/serving.js';
import { plug, serveSlow } from '../support/slow-serving.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Wire } from '../support/wire-call.js';

/** Clients that go, and frames that are replaced, while the one instance of a model is at work. */

const LATEST = FramePolicy.FRAME_POLICY_LATEST;

let serving: Serving;

test.before(async () => {
  serving = await serveSlow({ slow: {} });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const frames = (count: number) =>
  Array.from({ length: count }, (_, index) => embedFrame(grey(0), { frameId: `${index}` }));

const dropped = () => serving.metrics.value('sluice_frames_dropped_total', { model: 'slow' });

async function stillServes(): Promise<boolean> {
  const { frame, embeddings } = await embedOne(serving.client, { picture: grey(3) }, { model: 'slow' });
  return frame?.error === undefined && embeddings.length === 1;
}

test.serial('cancelling a stream takes its frames out of the queue at once', async (t) => {
  const { metrics } = serving;
  const executed = await metrics.executed('slow');
  const blocker = await plug(serving, 'slow');
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'slow', window: 16 }), ...frames(10));
  const neighbour = serving.wire.embed();
  await metrics.untilQueued('slow', 10);
  neighbour.send(embedOptions({ model: 'slow' }), embedFrame(grey(0)));
  await metrics.untilQueued('slow', 11);
  call.cancel();
  await metrics.untilQueued('slow', 1);
  t.is(await metrics.busy('slow'), 1, 'while the instance is still at work');
  t.deepEqual(blocker.answers, []);
  t.is((await call.status).code, status.CANCELLED);
  t.is((await neighbour.finish()).code, 0);
  t.is(neighbour.answers[0]?.frame?.error, undefined);
  t.is((await blocker.finish()).code, 0);
  await metrics.untilIdle('slow');
  t.is((await metrics.executed('slow')) - executed, 2, 'the plug and the neighbour');
  t.is(await metrics.failed('slow', 'CANCELLED'), 10);
});

test.serial("aborting the client's signal takes its frames out of the queue at once", async (t) => {
  const blocker = await plug(serving, 'slow');
  const abort = new AbortController();
  const pictures = Array.from({ length: 5 }, () => ({ picture: grey(0) }));
  const answers = serving.client.embed(pictures, { model: 'slow', signal: abort.signal });
  const failure = t.throwsAsync(answers.next());
  await serving.metrics.untilQueued('slow', 5);
  abort.abort();
  await serving.metrics.untilQueued('slow', 0);
  t.is(await serving.metrics.busy('slow'), 1);
  t.like(await failure, { code: status.CANCELLED });
  t.is((await blocker.finish()).code, 0);
});

test.serial('a client that vanishes leaves nothing in the queue, and the server goes on', async (t) => {
  const { metrics, server } = serving;
  const open = () => metrics.value('sluice_streams_open', { call: 'Embed' });
  const before = await open();
  const blocker = await plug(serving, 'slow');
  using proxy = await TcpProxy.create(server.grpcAddress);
  using wire = new Wire(proxy.address);
  const calls = Array.from({ length: 4 }, () => wire.embed());
  for (const call of calls) call.send(embedOptions({ model: 'slow', window: 16 }), ...frames(12));
  await metrics.untilQueued('slow', 48);
  proxy.cut();
  await metrics.untilQueued('slow', 0);
  t.is(await metrics.busy('slow'), 1, 'while the instance is still at work');
  t.is((await blocker.finish()).code, 0);
  for (const call of calls) t.is((await call.status).code, status.UNAVAILABLE);
  await eventually('the streams are over', async () => (await open()) === before);
  t.true(await stillServes());
});

test.serial('a client that vanishes in the middle of a message does no harm', async (t) => {
  const { metrics, server } = serving;
  const blocker = await plug(serving, 'slow');
  using proxy = await TcpProxy.create(server.grpcAddress);
  using wire = new Wire(proxy.address);
  const call = wire.embed();
  const large = embedFrame(plain(2000, 2000, [0, 0, 0]));
  call.send(embedOptions({ model: 'slow', window: 1 }), ...Array.from({ length: 6 }, () => large));
  // The window is full: of the messages that the server does not read, no more comes than flow control lets through.
  await metrics.untilQueued('slow', 1);
  const passed = await settled('how much the client has sent', () => proxy.passed);
  t.true(passed < 6 * 12_000_000, `${passed} bytes passed`);
  proxy.cut();
  await metrics.untilQueued('slow', 0);
  t.is((await call.status).code, status.UNAVAILABLE);
  t.is((await blocker.finish()).code, 0);
  t.true(await stillServes());
});

test.serial('a client that vanishes while its own frame runs does no harm', async (t) => {
  using proxy = await TcpProxy.create(serving.server.grpcAddress);
  using wire = new Wire(proxy.address);
  await plug(serving, 'slow', 40, wire);
  proxy.cut();
  t.true(await stillServes());
  await serving.metrics.untilIdle('slow');
});

test.serial('with LATEST, frames that wait are dropped for newer ones and told at their place', async (t) => {
  const { metrics } = serving;
  for (const window of [0, 1, 2]) {
    const [droppedBefore, executed] = [await dropped(), await metrics.executed('slow')];
    const call = serving.wire.embed();
    call.send(embedOptions({ model: 'slow', framePolicy: LATEST, window }), embedFrame(grey(80), { frameId: 'first' }));
    await metrics.untilBusy('slow');
    call.send(...frames(6));
    await eventually('five frames are dropped', async () => (await dropped()) - droppedBefore === 5);
    t.deepEqual(call.answers, [], 'an answer waits for those before it');
    t.is((await call.finish()).code, 0);
    const told = call.answers.map(({ frame }) => [frame?.frameId, frame?.index, frame?.error?.code ?? 'answered']);
    t.deepEqual(told, [
      ['first', 0, 'answered'],
      ...[0, 1, 2, 3, 4].map((index) => [`${index}`, index + 1, 'FRAME_DROPPED']),
      ['5', 6, 'answered'],
    ]);
    const { status: code, message, retryable } = call.answers[1]!.frame!.error!;
    t.deepEqual([code, retryable], [status.ABORTED, false]);
    t.regex(message, /newer frame/);
    t.is((await metrics.executed('slow')) - executed, 2);
  }
});

test.serial('with LATEST, nothing is dropped while frames come no faster than answers', async (t) => {
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'slow', framePolicy: LATEST }));
  for (let count = 1; count <= 20; count++) {
    call.send(embedFrame(grey(0)));
    await call.answered(count);
  }
  t.is((await call.finish()).code, 0);
  t.true(call.answers.every(({ frame }) => frame?.error === undefined));
});

test.serial('a stream with LATEST drops its own frames only', async (t) => {
  const blocker = await plug(serving, 'slow');
  const ordered = serving.wire.embed();
  ordered.send(embedOptions({ model: 'slow' }), ...frames(4));
  await serving.metrics.untilQueued('slow', 4);
  const before = await dropped();
  const latest = serving.wire.embed();
  latest.send(embedOptions({ model: 'slow', framePolicy: LATEST }), ...frames(3));
  await eventually('two are dropped', async () => (await dropped()) - before === 2);
  for (const call of [ordered, latest, blocker]) t.is((await call.finish()).code, 0);
  t.true(ordered.answers.every(({ frame }) => frame?.error === undefined));
  t.deepEqual(
    latest.answers.map(({ frame }) => frame?.error?.code),
    ['FRAME_DROPPED', 'FRAME_DROPPED', undefined],
  );
});

test.serial('cancelling a LATEST stream that holds a frame back frees it', async (t) => {
  const { metrics } = serving;
  await metrics.untilIdle('slow');
  const executed = await metrics.executed('slow');
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'slow', framePolicy: LATEST, window: 1 }), embedFrame(grey(60)));
  await metrics.untilBusy('slow');
  const before = await dropped();
  call.send(...frames(3));
  await eventually('two are dropped', async () => (await dropped()) - before === 2);
  call.cancel();
  t.is((await call.status).code, status.CANCELLED);
  await metrics.untilIdle('slow');
  t.true(await stillServes());
  await metrics.untilIdle('slow');
  t.is((await metrics.executed('slow')) - executed, 2, 'the running frame and the one asked afterwards');
});
