import test from 'ava';
import { status } from '@grpc/grpc-js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { grey } from '../support/pictures.js';
import type { Serving } from '../support/serving.js';
import { plug, serveSlow } from '../support/slow-serving.js';

/** Deadlines, priorities and the limits of the queue, while the one instance of a model is at work. */

let serving: Serving;

test.before(async () => {
  serving = await serveSlow({
    plain: {},
    impatient: { dynamic_batching: { default_queue_policy: { default_timeout_microseconds: 50_000 } } },
    ranked: { dynamic_batching: { priority_levels: 3, default_priority_level: 2 } },
    short: { dynamic_batching: { default_queue_policy: { max_queue_size: 2 } } },
    narrow: { dynamic_batching: { default_queue_policy: { max_queue_bytes: 3 * 32 * 32 * 3 } } },
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

test.serial('a frame whose timeout passes in the queue is answered DEADLINE_EXCEEDED and never runs', async (t) => {
  const { metrics } = serving;
  const [executed, failed] = [await metrics.executed('plain'), await metrics.failed('plain', 'DEADLINE_EXCEEDED')];
  const blocker = await plug(serving, 'plain', 150);
  const call = serving.wire.embed();
  call.send(
    embedOptions({ model: 'plain' }),
    embedFrame(grey(0), { frameId: 'late', timeout: { seconds: 0, nanos: 30_000_000 } }),
    embedFrame(grey(0), { frameId: 'patient', timeout: { seconds: 3600, nanos: 0 } }),
    embedFrame(grey(0), { frameId: 'later', timeout: { seconds: 0, nanos: 1000 } }),
  );
  const [late] = await call.answered(1);
  t.is(await metrics.busy('plain'), 1, 'it is answered while the instance is still at work');
  t.deepEqual(blocker.answers, []);
  t.is(late?.frame?.frameId, 'late');
  const { status: code, code: name, message, retryable } = late!.frame!.error!;
  t.deepEqual([code, name, retryable], [status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', false]);
  t.regex(message, /deadline/);
  const { batchSize, inferUs, decodeUs } = late!.frame!.timings!;
  t.deepEqual([batchSize, inferUs, decodeUs], [0, 0, 0]);
  t.deepEqual(late!.embeddings, []);
  t.is((await call.finish()).code, 0);
  t.is((await blocker.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.error?.code),
    ['DEADLINE_EXCEEDED', undefined, 'DEADLINE_EXCEEDED'],
  );
  await metrics.untilIdle('plain');
  t.is((await metrics.executed('plain')) - executed, 2, 'the plug and the patient one');
  t.is((await metrics.failed('plain', 'DEADLINE_EXCEEDED')) - failed, 2);
});

test.serial("a model's default timeout holds for frames that name none, or a longer one", async (t) => {
  const blocker = await plug(serving, 'impatient', 150);
  const executed = await serving.metrics.executed('impatient');
  const call = serving.wire.embed();
  call.send(
    embedOptions({ model: 'impatient' }),
    embedFrame(grey(0)),
    embedFrame(grey(0), { timeout: { seconds: 60, nanos: 0 } }),
  );
  const answers = await call.answered(2);
  t.deepEqual(
    answers.map(({ frame }) => frame?.error?.code),
    ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
  );
  t.deepEqual(blocker.answers, [], 'they did not wait for the instance');
  t.is((await call.finish()).code, 0);
  t.is((await blocker.finish()).code, 0);
  await serving.metrics.untilIdle('impatient');
  t.is((await serving.metrics.executed('impatient')) - executed, 1, 'the plug alone');
});

test.serial('a call whose deadline passes ends DEADLINE_EXCEEDED, and its queued frames never run', async (t) => {
  const { metrics } = serving;
  const executed = await metrics.executed('plain');
  const blocker = await plug(serving, 'plain');
  const call = serving.wire.embed({ deadline: new Date(Date.now() + 400) });
  call.send(embedOptions({ model: 'plain' }), embedFrame(grey(0)), embedFrame(grey(0)));
  t.is((await call.status).code, status.DEADLINE_EXCEEDED);
  await metrics.untilQueued('plain', 0);
  t.is(await metrics.busy('plain'), 1, 'the queue was left while the instance was still at work');
  t.is((await blocker.finish()).code, 0);
  await metrics.untilIdle('plain');
  t.is((await metrics.executed('plain')) - executed, 1, 'the plug alone');
});

test.serial('frames of a better priority run first, whenever they came', async (t) => {
  const blocker = await plug(serving, 'ranked', 150);
  const order: string[] = [];
  const calls = [];
  for (const [index, priority] of [3, 0, 3, 2, 1, 0, 1].entries()) {
    const call = serving.wire.embed();
    // Slow enough that two answers never reach the client in one turn of its loop, where their order would be lost.
    call.send(embedOptions({ model: 'ranked' }), embedFrame(grey(10), { frameId: `${priority}${index}`, priority }));
    await serving.metrics.untilQueued('ranked', index + 1);
    calls.push(call.finish().then(() => order.push(call.answers[0]!.frame!.frameId)));
  }
  t.deepEqual(blocker.answers, [], 'all came while the instance was at work');
  await Promise.all(calls);
  t.deepEqual(order, ['14', '16', '01', '23', '05', '30', '32']);
  t.is((await blocker.finish()).code, 0);
});

test.serial('frames over the queue limit are refused one by one, and nothing else is lost', async (t) => {
  const blocker = await plug(serving, 'short', 150);
  const other = serving.wire.embed();
  other.send(embedOptions({ model: 'short' }), embedFrame(grey(3)));
  await serving.metrics.untilQueued('short', 1);
  const call = serving.wire.embed();
  const ids = ['a', 'b', 'c', 'd'];
  call.send(embedOptions({ model: 'short', window: 8 }), ...ids.map((frameId) => embedFrame(grey(1), { frameId })));
  t.is((await call.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => [frame?.frameId, frame?.error?.code]),
    [
      ['a', undefined],
      ['b', 'QUEUE_FULL'],
      ['c', 'QUEUE_FULL'],
      ['d', 'QUEUE_FULL'],
    ],
  );
  const { status: code, retryable, message } = call.answers[1]!.frame!.error!;
  t.deepEqual([code, retryable], [status.RESOURCE_EXHAUSTED, true]);
  t.regex(message, /max_queue_size/);
  t.is((await other.finish()).code, 0);
  t.is(other.answers[0]?.frame?.error, undefined);
  t.is((await blocker.finish()).code, 0);
  t.is(blocker.answers[0]?.frame?.error, undefined);
  t.is(await serving.metrics.failed('short', 'QUEUE_FULL'), 3);
  const again = serving.wire.embed();
  again.send(embedOptions({ model: 'short' }), embedFrame(grey(1)));
  t.is((await again.finish()).code, 0);
  t.is(again.answers[0]?.frame?.error, undefined, 'a later one is served');
});

test.serial('the queue is bounded in bytes too', async (t) => {
  const blocker = await plug(serving, 'narrow', 100);
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'narrow', window: 8 }), ...Array.from({ length: 5 }, () => embedFrame(grey(1))));
  t.is((await call.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.error?.code),
    [undefined, undefined, undefined, 'QUEUE_FULL', 'QUEUE_FULL'],
  );
  t.regex(call.answers[4]!.frame!.error!.message, /max_queue_bytes/);
  t.is((await blocker.finish()).code, 0);
});
