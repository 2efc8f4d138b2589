import test from 'ava';
import type { InstanceGroup } from '../../server/runtime/instance-group.js';
import { eventually } from '../support/eventually.js';
import { execute, failure, Stage } from '../support/instance-stage.js';

const untilIdle = (group: InstanceGroup, count: number) =>
  eventually(`${count} instances are idle`, () => group.idle === count);

for (const how of ['exit', 'throw'] as const) {
  test(`a thread that dies during a batch (${how}) costs that batch INSTANCE_LOST and is replaced`, async (t) => {
    await using stage = await Stage.create();
    await using group = await stage.group({ count: 1 });
    const idle = new Promise<void>((resolve) => (group.onIdle = resolve));
    const error = await failure(execute(group, how));
    t.is(error.code, 'INSTANCE_LOST');
    t.true(error.retryable);
    t.regex(error.message, /send the frame again/);
    await idle;
    t.is(group.idle, 1);
    t.is((await execute(group, 'answer')).load, 1);
    t.true(stage.log.some((line) => line.startsWith('error an instance died')));
    t.true(stage.log.includes('info an instance has been replaced'));
  });
}

test('the other instances go on while one that died is replaced', async (t) => {
  await using stage = await Stage.create();
  const replacement = stage.hold();
  await stage.plan(['load', 'load', replacement.command]);
  await using group = await stage.group({ count: 2 });
  const error = await failure(execute(group, 'exit'));
  t.is(error.code, 'INSTANCE_LOST');
  await eventually('the replacement loads', async () => (await stage.loads()) === 3);
  t.is(group.idle, 1);
  for (let batch = 0; batch < 5; batch++) t.true((await execute(group, 'answer')).load < 2);
  await replacement.release();
  await untilIdle(group, 2);
});

test('a thread that dies between batches costs nothing and is replaced', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const { leave, release } = stage.hold();
  t.is((await execute(group, leave)).load, 0);
  await release();
  await eventually('the replacement is there', async () => (await stage.loads()) === 2 && group.idle === 1);
  t.is((await execute(group, 'answer')).load, 1);
  t.true(stage.log.includes('error an instance died between batches'));
});

test('instances that die again and again are replaced again and again', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2 });
  for (let round = 0; round < 5; round++) {
    const deaths = await Promise.all([failure(execute(group, 'exit')), failure(execute(group, 'throw'))]);
    for (const { code } of deaths) t.is(code, 'INSTANCE_LOST');
    await untilIdle(group, 2);
  }
  t.is(await stage.loads(), 12);
});

test('a replacement that cannot load leaves the other instances serving', async (t) => {
  await using stage = await Stage.create(['load', 'load', 'refuse']);
  await using group = await stage.group({ count: 2 });
  await failure(execute(group, 'exit'));
  await eventually('the failure is logged', () => stage.log.some((line) => line.includes('could not be replaced')));
  t.is(group.idle, 1);
  t.true((await execute(group, 'answer')).load < 2);
});

for (const how of ['refuse', 'throw', 'exit'] as const) {
  test(`when the last instance cannot be replaced (${how}), batches fail at once with the reason`, async (t) => {
    await using stage = await Stage.create(['load', how]);
    await using group = await stage.group({ count: 1 });
    const told = new Promise<void>((resolve) => (group.onIdle = resolve));
    await failure(execute(group, 'exit'));
    await told;
    t.true(group.idle > 0, 'the queue is let in to fail');
    for (let batch = 0; batch < 3; batch++) {
      const error = await failure(execute(group, 'answer'));
      t.is(error.code, 'INSTANCE_LOST');
      t.regex(error.message, /no instance left; the last one failed to start: /);
    }
  });
}

test('a group without an instance goes on trying, and serves once one has started', async (t) => {
  await using stage = await Stage.create(['load', 'refuse']);
  await using group = await stage.group({ count: 1 });
  const told = new Promise<void>((resolve) => (group.onIdle = resolve));
  await failure(execute(group, 'exit'));
  await told;
  t.is((await failure(execute(group, 'answer'))).code, 'INSTANCE_LOST');
  const answer = await eventually('an instance serves', () => execute(group, 'answer').catch(() => undefined));
  t.is(answer.load, 2);
  t.is(group.idle, 1);
});

test('an instance that could not be replaced while others serve is started later', async (t) => {
  await using stage = await Stage.create(['load', 'load', 'refuse']);
  await using group = await stage.group({ count: 2 });
  await failure(execute(group, 'exit'));
  await eventually('both serve again', () => group.idle === 2);
  t.is(await stage.loads(), 4);
});

test('a disposed group starts nothing any more', async (t) => {
  await using stage = await Stage.create(['load', 'refuse']);
  const group = await stage.group({ count: 1 });
  const told = new Promise<void>((resolve) => (group.onIdle = resolve));
  await failure(execute(group, 'exit'));
  await told;
  await group[Symbol.asyncDispose]();
  t.is(await stage.loads(), 2);
});

test('a thread that dies between batches and cannot be replaced leaves nobody waiting', async (t) => {
  await using stage = await Stage.create(['load', 'refuse']);
  await using group = await stage.group({ count: 1 });
  const told = new Promise<void>((resolve) => (group.onIdle = resolve));
  const { leave, release } = stage.hold();
  await execute(group, leave);
  await release();
  await told;
  const error = await failure(execute(group, 'answer'));
  t.is(error.code, 'INSTANCE_LOST');
  t.regex(error.message, /load 1 refused/);
});

test('disposing waits for the batch that runs, and the batch is answered', async (t) => {
  await using stage = await Stage.create();
  const group = await stage.group({ count: 2 });
  const { command, release } = stage.hold();
  const held = execute(group, command);
  let disposed = false;
  const disposing = group[Symbol.asyncDispose]().then(() => (disposed = true));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.false(disposed);
  await release();
  t.is((await held).frame, 0);
  await disposing;
});

test('disposing a group whose batch dies meanwhile neither hangs nor replaces', async (t) => {
  await using stage = await Stage.create();
  const group = await stage.group({ count: 1 });
  const dying = failure(execute(group, 'exit'));
  await group[Symbol.asyncDispose]();
  t.is((await dying).code, 'INSTANCE_LOST');
  t.is(await stage.loads(), 1);
});

test('a replacement that has loaded only after the group was disposed is ended', async (t) => {
  await using stage = await Stage.create();
  const replacement = stage.hold();
  await stage.plan(['load', replacement.command]);
  const group = await stage.group({ count: 1 });
  await failure(execute(group, 'exit'));
  await eventually('the replacement loads', async () => (await stage.loads()) === 2);
  await group[Symbol.asyncDispose]();
  await replacement.release();
  t.is(group.idle, 0);
  t.false(stage.log.includes('info an instance has been replaced'));
});
