import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { eventually } from '../support/eventually.js';
import { execute, executeAll, failure, request, Stage, toAnswers } from '../support/instance-stage.js';

test('each request of a batch gets its own result, in order', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const answers = await executeAll(group, ['answer', 'answer', 'answer']);
  t.deepEqual(
    answers.map(({ frame }) => frame),
    [0, 1, 2],
  );
});

test('the phases of a batch come back with it', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const { phases, results } = await group.execute([request(Buffer.from('answer'))]);
  t.deepEqual(phases, { decode: 1, preprocess: 2, infer: 3, postprocess: 4 });
  t.is(results.length, 1);
});

test('a picture with a buffer of its own moves to the thread, and one in shared memory is copied', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const own = new TextEncoder().encode('answer');
  const slab = new Uint8Array(100_000).fill(7);
  slab.set(own, 500);
  const shared = slab.subarray(500, 500 + own.length);
  const answers = toAnswers(await group.execute([request(shared), request(own)]));
  t.is(answers.length, 2);
  t.is(own.byteLength, 0, 'moved');
  t.is(Buffer.from(shared).toString(), 'answer', 'still there');
  t.is(slab[0], 7);
});

test('an instance is busy while it runs a batch and idle before and after', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 2 });
  const { command, release } = stage.hold();
  t.deepEqual([group.instances, group.idle], [2, 2]);
  const held = execute(group, command);
  t.is(group.idle, 1);
  await execute(group, 'answer');
  t.is(group.idle, 1);
  await release();
  await held;
  t.is(group.idle, 2);
});

test('as many batches run at once as there are instances, each on another one', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 3 });
  const holds = [stage.hold(), stage.hold(), stage.hold()];
  const runs = holds.map(({ command }) => execute(group, command));
  t.is(group.idle, 0);
  for (const { release } of holds.reverse()) await release();
  const loads = (await Promise.all(runs)).map(({ load }) => load);
  t.deepEqual(
    loads.sort((a, b) => a - b),
    [0, 1, 2],
  );
});

test('a batch that comes although no instance is idle is told to be a fault of the server', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const { command, release } = stage.hold();
  const held = execute(group, command);
  t.is((await failure(execute(group, 'answer'))).code, 'INTERNAL');
  await release();
  await t.notThrowsAsync(held);
});

test('the threads are split among the instances, and every instance has at least one', async (t) => {
  const split = async (keys: Record<string, unknown>, threads: number) => {
    await using stage = await Stage.create();
    await using group = await stage.group(keys, threads);
    return [group.instances, (await execute(group, 'answer')).threads];
  };
  t.deepEqual(await split({ count: 2 }, 8), [2, 4]);
  t.deepEqual(await split({ count: 3 }, 8), [3, 2]);
  t.deepEqual(await split({ count: 3 }, 2), [3, 1]);
  t.deepEqual(await split({ count: 1, intra_op_thread_count: 7 }, 2), [1, 7]);
});

test('without a count there is an instance a thread, but no more than four', async (t) => {
  const instances = async (threads: number) => {
    await using stage = await Stage.create();
    await using group = await stage.group({}, threads);
    return [group.instances, (await execute(group, 'answer')).threads];
  };
  t.deepEqual(await instances(1), [1, 1]);
  t.deepEqual(await instances(3), [3, 1]);
  t.deepEqual(await instances(9), [4, 2]);
});

test('an instance that answers with an error stays, and the error keeps its code', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 1 });
  const error = await failure(execute(group, 'refuse'));
  t.true(error instanceof ServingError);
  t.deepEqual([error.code, error.message], ['MODEL_INVALID', 'the batch refused']);
  t.is(group.idle, 1);
  t.is((await execute(group, 'answer')).load, 0);
});

test('what had to be changed in the model file is logged once, whatever the number of instances', async (t) => {
  await using stage = await Stage.create();
  await using group = await stage.group({ count: 3 });
  t.is(group.idle, 3);
  t.deepEqual(stage.log, ['info model file: nothing that matters']);
});

test('a model that one of several instances cannot load is not loaded, and the reason is that instance’s', async (t) => {
  await using stage = await Stage.create(['load', 'refuse', 'load']);
  const error = await failure(stage.group({ count: 3 }));
  t.deepEqual([error.code, error.message], ['MODEL_INVALID', 'load 1 refused']);
  t.is(await stage.loads(), 3);
});

test('the instances that still load are waited for when another one has failed', async (t) => {
  await using stage = await Stage.create();
  const { command, release } = stage.hold();
  await stage.plan(['refuse', command]);
  let done = false;
  const failed = failure(stage.group({ count: 2 })).finally(() => (done = true));
  await eventually('both loads have begun', async () => (await stage.loads()) === 2);
  t.false(done);
  await release();
  t.is((await failed).message, 'load 0 refused');
});

test('a thread that ends or throws while it loads fails the load', async (t) => {
  for (const how of ['exit', 'throw'] as const) {
    await using stage = await Stage.create([how]);
    const error = await failure(stage.group({ count: 2 }));
    t.true(error instanceof ServingError, how);
  }
});
