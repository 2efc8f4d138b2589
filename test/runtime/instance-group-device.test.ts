import test from 'ava';
import { eventually } from '../support/eventually.js';
import { execute, failure, Stage } from '../support/instance-stage.js';

test('a device that is lost fails its batch and every later one with DEVICE_LOST, and is told once', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2 });
  let woken = 0;
  group.onIdle = () => (woken += 1);
  for (const command of ['DEVICE_LOST', 'answer', 'DEVICE_LOST'] as const) {
    const error = await failure(execute(group, command));
    t.deepEqual([error.code, error.status, error.retryable], ['DEVICE_LOST', 14, true]);
    t.is(error.message, 'the batch refused');
  }
  t.deepEqual(stage.losses, ['the batch refused']);
  t.is(woken, 1, 'what waits is let in to fail');
  t.true(group.idle > 0);
});

test('a batch that runs while the device is lost is still answered, as it can', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2 });
  const { command, release } = stage.hold();
  const held = execute(group, command);
  await failure(execute(group, 'DEVICE_LOST'));
  await release();
  t.is((await held).frame, 0);
  t.is((await failure(execute(group, 'answer'))).code, 'DEVICE_LOST');
});

test('nothing is replaced once the device is lost', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2 });
  const { die, release } = stage.hold();
  const dying = failure(execute(group, die));
  await failure(execute(group, 'DEVICE_LOST'));
  await release();
  t.is((await dying).code, 'INSTANCE_LOST');
  await group[Symbol.asyncDispose]();
  t.is(await stage.loads(), 2);
});

test('a replacement that loads while the device is lost is ended', async (t) => {
  await using stage = await Stage.create();
  const replacement = stage.hold();
  await stage.plan(['load', 'load', replacement.command]);
  await using group = await stage.group({ count: 2 });
  await failure(execute(group, 'exit'));
  await eventually('the replacement loads', async () => (await stage.loads()) === 3);
  await failure(execute(group, 'DEVICE_LOST'));
  await replacement.release();
  t.is((await failure(execute(group, 'answer'))).code, 'DEVICE_LOST');
  t.false(stage.log.includes('info an instance has been replaced'));
});

test('a replacement that meets a lost device tells so, and no other is tried', async (t) => {
  await using stage = await Stage.create(['load', 'DEVICE_LOST']);
  await using group = await stage.group({ count: 1 });
  const told = new Promise<void>((resolve) => (group.onIdle = resolve));
  await failure(execute(group, 'exit'));
  await told;
  t.deepEqual(stage.losses, ['load 1 refused']);
  t.is((await failure(execute(group, 'answer'))).code, 'DEVICE_LOST');
  t.is(await stage.loads(), 2);
});

test('a model whose load meets a lost device is not loaded, and the loss is told', async (t) => {
  await using stage = await Stage.create(['load', 'DEVICE_LOST', 'refuse']);
  const error = await failure(stage.group({ count: 3 }));
  t.is(error.code, 'DEVICE_LOST');
  t.is(stage.losses.length, 1);
});

test('a device without memory for a batch or a load costs that alone', async (t) => {
  await using stage = await Stage.create(['load', 'load', 'DEVICE_OUT_OF_MEMORY']);
  await using group = await stage.group({ count: 2 });
  t.is((await failure(execute(group, 'DEVICE_OUT_OF_MEMORY'))).code, 'DEVICE_OUT_OF_MEMORY');
  t.is(group.idle, 2);
  t.is((await failure(stage.group({ count: 1 }))).code, 'DEVICE_OUT_OF_MEMORY');
  t.deepEqual(stage.losses, []);
  t.is((await execute(group, 'answer')).frame, 0);
});
