import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { slowModel } from '../support/tiny-models.js';

/** Milliseconds of work, and minutes of it. */
const QUICK = grey(0);
const SLOW = grey(3);
const ENDLESS = grey(255);

/** A server of one instance, which takes a second or so for `SLOW` and minutes for `ENDLESS`. */
function serve(...flags: string[]): Promise<Serving> {
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

/** Resolves when the server has taken the signal. */
async function draining(serving: Serving): Promise<void> {
  await eventually('the server drains', () => serving.server.log.some(({ msg }) => msg === 'draining'));
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`${signal} ends an idle server with 0`, async (t) => {
    await using serving = await serve();
    serving.server.signal(signal);
    t.is(await serving.server.ended(), 0);
    t.is(serving.server.log.at(-1)?.msg, 'stopped');
  });

  test.serial(`${signal} lets the frames in flight be answered, and exits with 0`, async (t) => {
    await using serving = await serve();
    const call = serving.wire.embed();
    call.send(embedOptions({ window: 8 }), ...[SLOW, SLOW, QUICK].map((picture) => embedFrame(picture)));
    call.end();
    await serving.metrics.untilBusy('slow');
    await serving.metrics.untilQueued('slow', 2);
    serving.server.signal(signal);
    t.is((await call.status).code, Status.OK);
    t.deepEqual(
      call.answers.map(({ frame }) => frame?.error),
      [undefined, undefined, undefined],
    );
    t.is(await serving.server.ended(), 0);
  });
}

test.serial('a stream that is not half-closed ends with UNAVAILABLE once its frames are answered', async (t) => {
  await using serving = await serve();
  const call = serving.wire.embed();
  call.send(embedOptions({ window: 8 }), embedFrame(SLOW), embedFrame(QUICK));
  await serving.metrics.untilBusy('slow');
  await serving.metrics.untilQueued('slow', 1);
  serving.server.signal('SIGTERM');
  const { code, details } = await call.status;
  t.is(code, Status.UNAVAILABLE);
  t.regex(details, /shutting down.*elsewhere/);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.error),
    [undefined, undefined],
  );
  t.is(await serving.server.ended(), 0);
});

test.serial(
  'streams without a frame in flight end with UNAVAILABLE at once, before and after their first',
  async (t) => {
    await using serving = await serve();
    const untouched = serving.wire.embed();
    const options = serving.wire.embed();
    options.send(embedOptions({}));
    const idle = serving.wire.embed();
    idle.send(embedFrame(QUICK));
    await idle.answered(1);
    const busy = serving.wire.embed();
    busy.send(embedFrame(ENDLESS));
    await serving.metrics.untilBusy('slow');
    const open = () => serving.metrics.value('sluice_streams_open', { call: 'Embed' });
    await eventually('all streams are open', async () => (await open()) === 4);
    serving.server.signal('SIGTERM');
    for (const call of [untouched, options, idle]) t.is((await call.status).code, Status.UNAVAILABLE);
    t.is(busy.answers.length, 0);
  },
);

test.serial('a draining server is NOT_SERVING and not ready, alive, and takes no new connection', async (t) => {
  await using serving = await serve();
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  const watch = health.watch('');
  await eventually('it serves', () => watch.now === 'SERVING');
  const call = serving.wire.embed();
  call.send(embedFrame(ENDLESS));
  await serving.metrics.untilBusy('slow');
  serving.server.signal('SIGTERM');
  await draining(serving);
  await eventually('the watch is told', () => watch.now === 'NOT_SERVING');
  const { status, ready, reason } = await operator.readiness();
  t.deepEqual([status, ready], [503, false]);
  t.regex(reason ?? '', /shutting down/);
  t.is((await fetch(`http://${serving.server.httpAddress}/livez`)).status, 200);
  await t.throwsAsync(Operator.of(serving.server), { message: /no server answers/ });
});

test.serial(
  'a frame that takes too long is cut at --exit-timeout: exit code 3, although a native call runs',
  async (t) => {
    await using serving = await serve('--exit-timeout', '0.5');
    const call = serving.wire.embed();
    call.send(embedFrame(ENDLESS));
    await serving.metrics.untilBusy('slow');
    serving.server.signal('SIGTERM');
    t.is(await serving.server.ended(), 3);
    t.is((await call.status).code, Status.UNAVAILABLE);
    t.true(serving.server.log.some(({ level, msg }) => level >= 40 && msg.includes('--exit-timeout')));
  },
);

test.serial('a stream that never leaves off sending is cut at --exit-timeout: exit code 3', async (t) => {
  await using serving = await serve('--exit-timeout', '1');
  const call = serving.wire.embed();
  call.send(embedOptions({ window: 8 }));
  const more = () => call.send(...Array.from({ length: 64 }, () => embedFrame(SLOW)));
  more();
  await call.answered(1);
  serving.server.signal('SIGTERM');
  more();
  t.is(await serving.server.ended(), 3);
  t.not((await call.status).code, Status.OK);
});

test.serial('with --exit-timeout 0 a server waits for nothing', async (t) => {
  await using serving = await serve('--exit-timeout', '0');
  const call = serving.wire.embed();
  call.send(embedFrame(ENDLESS));
  await serving.metrics.untilBusy('slow');
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 3);
});

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGINT'],
] as const) {
  test.serial(`${second} after ${first} ends the server at once, by that signal`, async (t) => {
    await using serving = await serve('--exit-timeout', '600');
    const call = serving.wire.embed();
    call.send(embedFrame(ENDLESS));
    await serving.metrics.untilBusy('slow');
    serving.server.signal(first);
    await draining(serving);
    serving.server.signal(second);
    t.is(await serving.server.ended(), second);
  });
}
