import test from 'ava';
import type { InstanceGroup } from '../../server/runtime/instance-group.js';
import { eventually } from '../support/eventually.js';
import { execute, failure, Stage } from '../support/instance-stage.js';

/** Short enough for a test to wait for, long enough for a thread that does not hang. */
const TIMEOUT = { execution_timeout_milliseconds: 400 };

const untilIdle = (group: InstanceGroup, count: number) =>
  eventually(`${count} instances are idle`, () => group.idle === count);

/** Executes, which fails, once the group has told that it has no instance. */
const untilLost = async (group: InstanceGroup) => {
  await new Promise<void>((resolve) => (group.onIdle = resolve));
  return execute(group, 'answer');
};

test('a batch without an answer in time gets INSTANCE_LOST, and its instance is replaced at once', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1, ...TIMEOUT });
  const { command, release } = stage.hold();
  const error = await failure(execute(group, command));
  t.is(error.code, 'INSTANCE_LOST');
  t.true(error.retryable);
  t.regex(error.message, /no answer within 400 ms/);
  await untilIdle(group, 1);
  t.is((await execute(group, 'answer')).load, 1);
  await release();
});

test('a thread that comes back after it was replaced does not serve again', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1, ...TIMEOUT });
  const { command, release } = stage.hold();
  await failure(execute(group, command));
  await untilIdle(group, 1);
  await release();
  for (let batch = 0; batch < 20; batch++) {
    t.is((await execute(group, 'answer')).load, 1);
    t.is(group.idle, 1);
  }
});

test('the other instances answer while one hangs', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2, ...TIMEOUT });
  const { command, release } = stage.hold();
  const hung = failure(execute(group, command));
  for (let batch = 0; batch < 5; batch++) await execute(group, 'answer');
  t.is((await hung).code, 'INSTANCE_LOST');
  await untilIdle(group, 2);
  await release();
});

test('when all instances hang, all are replaced', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2, ...TIMEOUT });
  const holds = [stage.hold(), stage.hold()];
  const hung = await Promise.all(holds.map(({ command }) => failure(execute(group, command))));
  for (const { code } of hung) t.is(code, 'INSTANCE_LOST');
  await untilIdle(group, 2);
  t.true((await execute(group, 'answer')).load >= 2);
  for (const { release } of holds) await release();
});

test('no more threads hang than there are instances: one more is replaced when it comes back', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1, ...TIMEOUT });
  const first = stage.hold();
  const second = stage.hold();
  await failure(execute(group, first.command));
  await untilIdle(group, 1);
  await failure(execute(group, second.command));
  t.is(group.idle, 0);
  t.is(await stage.loads(), 2);
  await second.release();
  await untilIdle(group, 1);
  t.is((await execute(group, 'answer')).load, 2);
  await first.release();
});

test('an instance that hung and could not be replaced is started anew later', async (t) => {
  await using stage = await Stage.create(['load', 'refuse']);
  await using group = await stage.group({ count: 1, ...TIMEOUT });
  const { command, release } = stage.hold();
  await failure(execute(group, command));
  t.regex((await failure(untilLost(group))).message, /no instance left.*load 1 refused/);
  await release();
  const answer = await eventually('an instance serves', () => execute(group, 'answer').catch(() => undefined));
  t.is(answer.load, 2);
});

test('disposing does not wait for a thread that hangs', async (t) => {
  await using stage = await Stage.create();
  const group = await stage.group({ count: 1, ...TIMEOUT });
  const { command, release } = stage.hold();
  await failure(execute(group, command));
  await group[Symbol.asyncDispose]();
  t.is(group.idle, 0);
  await release();
});

test('a thread that comes back after the group was disposed is ended, not put to work', async (t) => {
  await using stage = await Stage.create();
  const group = await stage.group({ count: 1, ...TIMEOUT });
  const first = stage.hold();
  const second = stage.hold();
  await failure(execute(group, first.command));
  await untilIdle(group, 1);
  await failure(execute(group, second.command));
  await group[Symbol.asyncDispose]();
  await first.release();
  await second.release();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.is(group.idle, 0);
  t.is(await stage.loads(), 2);
});

test('a thread that dies while it hangs harms nobody', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1, ...TIMEOUT });
  const { die, release } = stage.hold();
  await failure(execute(group, die));
  await untilIdle(group, 1);
  await release();
  t.is((await execute(group, 'answer')).load, 1);
});
