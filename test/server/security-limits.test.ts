import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { GuardedServer } from '../support/guarded-server.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { beginMessage, OpenCalls } from '../support/open-call.js';
import { grey } from '../support/pictures.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { slowModel } from '../support/tiny-models.js';

const LIST = '/sluice.v1.Repository/ListModels';
const ALICE = 'alice-alice-alice-alice';
const BOB = 'bob-bob-bob-bob-bob-bob';
const KIBIBYTE = 1024;

/** Milliseconds of work, and minutes of it. */
const QUICK = grey(0);
const ENDLESS = grey(255);

function serveSlow(...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    const config = {
      task: 'embedding',
      input: { width: 32, height: 32 },
      max_batch_size: 1,
      preprocess: { scale: 40 },
      instance_group: { count: 1, intra_op_thread_count: 1, execution_timeout_milliseconds: 600_000 },
    };
    await repository.addModel('slow', config, slowModel(32, 32));
  }, flags);
}

test.serial('calls over --max-client-inflight are refused until others have ended, however they do', async (t) => {
  await using served = await GuardedServer.start(['--max-client-inflight', '2']);
  using calls = new OpenCalls(served.address);
  const held = [calls.open(LIST), calls.open(LIST)];
  const full = async () => (await served.status(LIST)) === Status.RESOURCE_EXHAUSTED;
  await eventually('two calls are open', full);
  const refused = await calls.open(LIST).answer;
  t.is(Number(refused?.['grpc-status']), Status.RESOURCE_EXHAUSTED);
  t.regex(decodeURI(String(refused?.['grpc-message'])), /2 requests .* --max-client-inflight/);
  held[0]!.cancel();
  await eventually('one place is free', async () => (await served.status(LIST)) === Status.OK);
  calls.open(LIST);
  await eventually('it is taken again', full);
  calls[Symbol.dispose]();
  await eventually('a client that is gone holds nothing', async () => (await served.status(LIST)) === Status.OK);
});

test.serial('probes and metrics get through when a client has all that it may have', async (t) => {
  await using served = await GuardedServer.start(['--max-client-inflight', '1']);
  using calls = new OpenCalls(served.address);
  calls.open(LIST);
  await eventually('the limit is reached', async () => (await served.status(LIST)) === Status.RESOURCE_EXHAUSTED);
  t.is(await served.status('/grpc.health.v1.Health/Check'), Status.OK);
  for (const path of ['/readyz', '/metrics']) {
    t.is((await fetch(`http://${served.httpAddress}${path}`)).status, 200, path);
  }
});

test.serial('bytes over --max-client-bytes are refused as they come, before there is a message', async (t) => {
  await using served = await GuardedServer.start(['--max-client-bytes', String(100 * KIBIBYTE)]);
  using calls = new OpenCalls(served.address);
  const first = calls.open(LIST, beginMessage(1 << 20, 60 * KIBIBYTE));
  const second = calls.open(LIST, beginMessage(1 << 20, 60 * KIBIBYTE));
  const [refused, other] = await Promise.race([
    first.answer.then((answer) => [answer, second] as const),
    second.answer.then((answer) => [answer, first] as const),
  ]);
  t.is(Number(refused?.['grpc-status']), Status.RESOURCE_EXHAUSTED);
  t.regex(decodeURI(String(refused?.['grpc-message'])), /--max-client-bytes/);
  t.is(await served.status(LIST, { body: Buffer.alloc(0) }), Status.OK);
  other.cancel();
  await eventually('everything is given back', async () => {
    // An unknown field: 80 KiB that say nothing.
    const body = Buffer.concat([Buffer.from([0xfa, 0x7f, 0x80, 0x80, 0x05]), Buffer.alloc(80 * KIBIBYTE)]);
    return (await served.status(LIST, { body })) === Status.OK;
  });
});

test.serial('each token has limits of its own, over all connections', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', `alice:${ALICE}\nbob:${BOB}\n`);
  await using served = await GuardedServer.start(['--auth-token-file', file, '--max-client-inflight', '1']);
  using calls = new OpenCalls(served.address, ALICE);
  calls.open(LIST);
  await eventually('alice has her one', async () => {
    return (await served.status(LIST, { token: ALICE })) === Status.RESOURCE_EXHAUSTED;
  });
  t.is(await served.status(LIST, { token: BOB }), Status.OK);
});

test.serial('frames over a limit are answered with it, in order, and the stream goes on', async (t) => {
  await using serving = await serveSlow('--max-client-inflight', '2');
  const blocked = serving.wire.embed();
  blocked.send(embedOptions({ window: 8 }), embedFrame(ENDLESS), embedFrame(QUICK), embedFrame(QUICK));
  await serving.metrics.untilBusy('slow');
  const other = serving.wire.embed();
  other.send(embedFrame(QUICK), embedFrame(QUICK));
  const [first] = await other.answered(2);
  t.is(first?.frame?.error?.code, 'CLIENT_LIMIT');
  t.is(first?.frame?.error?.status, Status.RESOURCE_EXHAUSTED);
  t.true(first?.frame?.error?.retryable);
  t.regex(first?.frame?.error?.message ?? '', /--max-client-inflight/);
  t.true((await serving.metrics.failed('slow', 'CLIENT_LIMIT')) >= 2);
  t.is((await other.finish()).code, Status.OK);
  blocked.cancel();
});

test.serial('what a stream holds is given back when its client is gone', async (t) => {
  await using serving = await serveSlow('--max-client-inflight', '3', '--max-client-bytes', '20000');
  const first = serving.wire.embed();
  // Each picture has 3072 bytes; one that runs, two that are queued.
  first.send(embedOptions({ window: 8 }), embedFrame(grey(3)), embedFrame(QUICK), embedFrame(QUICK));
  await serving.metrics.untilQueued('slow', 2);
  first.cancel();
  await serving.metrics.untilIdle('slow');
  const second = serving.wire.embed();
  second.send(embedOptions({ window: 8 }), ...[QUICK, QUICK, QUICK].map((picture) => embedFrame(picture)));
  const answers = await second.answered(3);
  t.deepEqual(
    answers.map(({ frame }) => frame?.error),
    [undefined, undefined, undefined],
  );
});

test.serial('a frame of more bytes than a client may have is refused by itself', async (t) => {
  await using serving = await serveSlow('--max-client-bytes', '2000');
  const call = serving.wire.embed();
  call.send(embedFrame(QUICK), embedFrame(grey(0, 16)));
  const [large, small] = await call.answered(2);
  t.regex(large?.frame?.error?.message ?? '', /3072 bytes more .* over 2000 .* --max-client-bytes/);
  t.is(small?.frame?.error, undefined);
});
