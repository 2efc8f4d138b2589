import test from 'ava';
import { all, detectOne } from '../support/ask.js';
import { eventually } from '../support/eventually.js';
import { detectFrame, detectOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import { spots } from '../support/pictures.js';
import { addGrid, addSpots, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';
import { plug, SIDE as SLOW_SIDE } from '../support/slow-serving.js';
import { slowModel } from '../support/tiny-models.js';

/** What happens to frames of a pipeline while a later stage is busy, reloaded or gone. */

let serving: Serving;
let operator: Operator;

const picture = spots(SIDE, SIDE, [
  [20, 24, 250],
  [80, 64, 200],
]);

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      await addSpots(repository);
      await addGrid(repository);
      await addGrid(repository, {}, 'going');
      const slow = {
        task: 'embedding',
        input: { width: SLOW_SIDE, height: SLOW_SIDE },
        max_batch_size: 1,
        postprocess: { normalize: false },
        instance_group: { count: 1, intra_op_thread_count: 1 },
        dynamic_batching: { default_queue_policy: { max_queue_size: 3 } },
      };
      await repository.addModel('slow', slow, slowModel(SLOW_SIDE, SLOW_SIDE));
      const describeWith = (model: string, keys: object = {}) => pipelineOf([FIND, { ...DESCRIBE, model }], keys);
      await repository.configure('people', describeWith('grid'));
      await repository.configure('losing', describeWith('going'));
      await repository.configure('waiting', describeWith('slow', { max_inflight_requests: 2 }));
      await repository.configure('full', {
        ...describeWith('slow', { max_inflight_requests: 1 }),
        dynamic_batching: { default_queue_policy: { max_queue_size: 2 } },
      });
      await repository.configure('crowded', describeWith('slow'));
    },
    ['--model-control-mode', 'explicit', '--load-model', '*'],
  );
  operator = await Operator.of(serving.server);
});

test.after.always(async () => {
  operator?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

test.serial('frames in flight are bounded, and a frame that is cancelled goes no further', async (t) => {
  const { metrics, wire } = serving;
  const blocker = await plug(serving, 'slow', 200);
  const [executed, withdrawn] = [await metrics.executed('slow'), await metrics.failed('slow', 'CANCELLED')];
  const call = wire.detect();
  call.send(detectOptions({ model: 'waiting', window: 6 }), ...Array.from({ length: 6 }, () => detectFrame(picture)));
  await metrics.untilQueued('slow', 2);
  t.deepEqual([await metrics.busy('waiting'), await metrics.queued('waiting')], [2, 4]);
  call.cancel();
  await metrics.untilIdle('waiting');
  t.is(await metrics.queued('slow'), 0, 'what the stages had queued is withdrawn');
  t.is((await metrics.failed('slow', 'CANCELLED')) - withdrawn, 2);
  t.is(await metrics.busy('slow'), 1, 'the plug is still at work');
  t.is((await blocker.finish()).code, 0);
  await metrics.untilIdle('slow');
  t.is((await metrics.executed('slow')) - executed, 1, 'the plug alone');
});

test.serial('a frame whose deadline passes in a later stage keeps what the first has found', async (t) => {
  const blocker = await plug(serving, 'slow', 150);
  const answer = await detectOne(serving.client, { picture, timeoutMs: 300 }, { model: 'waiting' });
  t.is(answer.frame?.error, undefined);
  t.deepEqual(
    answer.detections.map(({ embedding, error }) => [embedding, error]),
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
  const [find, describe] = answer.stages;
  t.is(find?.error, undefined);
  t.deepEqual(
    [describe?.name, describe?.modelName, describe?.modelVersion, describe?.regions, describe?.error?.code],
    ['describe', 'slow', '1', 2, 'DEADLINE_EXCEEDED'],
  );
  t.is((await blocker.finish()).code, 0);
});

test.serial('frames beyond those in flight and those that may wait are refused', async (t) => {
  const { metrics, wire } = serving;
  const blocker = await plug(serving, 'slow', 150);
  const call = wire.detect();
  call.send(detectOptions({ model: 'full', window: 8 }), detectFrame(picture));
  await metrics.untilBusy('full');
  call.send(...Array.from({ length: 4 }, () => detectFrame(picture)));
  await eventually('two are refused', async () => (await metrics.failed('full', 'QUEUE_FULL')) === 2);
  t.deepEqual([await metrics.busy('full'), await metrics.queued('full')], [1, 2]);
  t.is((await call.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.error?.code),
    [undefined, undefined, undefined, 'QUEUE_FULL', 'QUEUE_FULL'],
  );
  t.is((await blocker.finish()).code, 0);
});

test.serial('a later stage whose queue is full fails by itself', async (t) => {
  const { metrics, client } = serving;
  const blocker = await plug(serving, 'slow', 150);
  const frames = Array.from({ length: 5 }, () => ({ picture, timeoutMs: 500 }));
  const answers = await all(client.detect(frames, { model: 'crowded', window: 8 }));
  t.true(answers.every(({ frame, detections }) => frame?.error === undefined && detections.length === 2));
  const codes = answers.map(({ stages }) => stages[1]?.error?.code ?? '').sort();
  t.deepEqual(codes, [...Array<string>(3).fill('DEADLINE_EXCEEDED'), ...Array<string>(2).fill('QUEUE_FULL')]);
  t.is((await blocker.finish()).code, 0);
  await metrics.untilIdle('slow');
});

test.serial('the model of a stage is reloaded while frames go through it', async (t) => {
  let stopped = false;
  function* video() {
    for (let index = 0; !stopped; index++) yield { id: String(index), picture };
  }
  const answers: Awaited<ReturnType<typeof detectOne>>[] = [];
  const ended = (async () => {
    for await (const answer of serving.client.detect(video(), { model: 'people' })) answers.push(answer);
  })();
  const lengths = (): number[] =>
    answers.flatMap(({ detections }) => detections.map(({ embedding }) => Math.hypot(...embedding!.values)));
  await eventually('frames are answered', () => answers.length > 5);
  t.true(lengths().every((length) => length > 2));
  await addGrid(serving.repository, { postprocess: { normalize: true } });
  await operator.client.load('grid');
  await eventually('frames have gone through the new one', () => lengths().at(-1)! < 1.01);
  stopped = true;
  await ended;
  for (const { frame, stages } of answers) {
    t.deepEqual([frame?.error, stages[1]?.error, stages[1]?.modelVersion], [undefined, undefined, '1']);
  }
  const first = lengths().findIndex((length) => length < 1.01);
  t.true(lengths().every((length, index) => index < first === length > 2));
});

test.serial('a model that is gone fails its stage, and only that', async (t) => {
  const before = await detectOne(serving.client, { picture }, { model: 'losing' });
  t.true(before.detections.every(({ embedding }) => embedding !== undefined));
  await operator.client.unload('going');
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'losing' });
  t.is(frame?.error, undefined);
  t.deepEqual(
    detections.map(({ box, embedding }) => [box, embedding]),
    before.detections.map(({ box }) => [box, undefined]),
  );
  t.deepEqual([stages[1]?.error?.code, stages[1]?.modelVersion], ['MODEL_NOT_FOUND', '']);
  t.regex(stages[1]!.error!.message, /going/);
});

test.serial('a first stage that is gone fails the frame', async (t) => {
  await operator.client.unload('spots');
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'people' });
  t.deepEqual([frame?.error?.code, detections, stages], ['MODEL_NOT_FOUND', [], []]);
});
