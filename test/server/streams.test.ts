import test from 'ava';
import { FramePolicy } from '../../clients/typescript/sluice-client.js';
import { all } from '../support/ask.js';
import { closeTo, foundAt } from '../support/close-to.js';
import { detectFrame, detectOptions, embedFrame, embedOptions } from '../support/messages.js';
import { grey, plain, spots } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { Serving } from '../support/serving.js';
import { boxOf, cellsInside, lightCells } from '../support/spot-pictures.js';
import { slowModel, spotsModel } from '../support/tiny-models.js';

const INPUT = { width: 64, height: 64 };

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await repository.addModel(
      'spots',
      { task: 'centerface', input: INPUT, max_batch_size: 4, instance_group: { count: 3, intra_op_thread_count: 1 } },
      spotsModel(64, 64),
    );
    await repository.addModel(
      'slow',
      {
        task: 'embedding',
        input: { width: 32, height: 32 },
        max_batch_size: 1,
        postprocess: { normalize: false },
        instance_group: { count: 1, intra_op_thread_count: 1 },
      },
      slowModel(32, 32),
    );
    await repository.addModel(
      'batched',
      {
        task: 'embedding',
        input: { width: 32, height: 32 },
        max_batch_size: 8,
        postprocess: { normalize: false },
        instance_group: { count: 1, intra_op_thread_count: 1 },
      },
      slowModel(32, 32),
    );
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

test.serial('answers come in the order of the frames, whatever their sizes, from several instances', async (t) => {
  const random = new Random(5);
  const frames = Array.from({ length: 500 }, (_, index) => {
    // One in fifty is so large that all the others could overtake it.
    const side = random.chance(0.02) ? 1600 : random.int(64, 200);
    const size = { width: side, height: Math.max(64, Math.round(side * (0.4 + random.next()))) };
    const cell = random.pick(cellsInside(size, INPUT))!;
    return { id: `frame ${index}`, size, cell, picture: lightCells(size, INPUT, [cell]) };
  });
  const answers = await all(serving.client.detect(frames, { model: 'spots', window: 32, scoreThreshold: 0.2 }));
  t.is(answers.length, frames.length);
  answers.forEach(({ frame, detections }, index) => {
    const { id, size, cell } = frames[index]!;
    t.deepEqual([frame?.frameId, frame?.index, frame?.error], [id, index, undefined]);
    foundAt(t, detections.slice(0, 1), [boxOf(cell, size, INPUT)], 0.01 * size.width, id);
  });
});

test.serial('several streams at once each get their own answers', async (t) => {
  const streams = Array.from({ length: 8 }, (_, stream) =>
    all(
      serving.client.embed(
        Array.from({ length: 100 }, (_unused, index) => ({
          id: `${stream}/${index}`,
          picture: plain(32, 32, [0, 0, 0]),
        })),
        { model: 'batched', window: 1 + stream * 9 },
      ),
    ),
  );
  for (const [stream, answers] of (await Promise.all(streams)).entries()) {
    t.deepEqual(
      answers.map(({ frame }) => frame?.frameId),
      Array.from({ length: 100 }, (_, index) => `${stream}/${index}`),
    );
    t.true(answers.every(({ frame }) => frame?.error === undefined));
  }
});

test.serial('streams that wait for the same instance share a batch', async (t) => {
  const calls = Array.from({ length: 7 }, () => serving.wire.embed());
  const [plug, ...others] = calls;
  plug!.send(embedOptions({ model: 'batched' }), embedFrame(grey(200)));
  await serving.metrics.untilBusy('batched');
  others.forEach((call, index) => call.send(embedOptions({ model: 'batched' }), embedFrame(grey(index % 2))));
  await serving.metrics.untilQueued('batched', 6);
  for (const call of calls) t.is((await call.finish()).code, 0);
  t.is(plug!.answers[0]?.frame?.timings?.batchSize, 1);
  others.forEach(({ answers }, index) => {
    t.is(answers[0]?.frame?.timings?.batchSize, 6);
    closeTo(t, answers[0]!.embeddings[0]!.values, Array(3).fill(index % 2), 1e-4);
  });
});

test.serial('many streams under load are inferred in batches', async (t) => {
  const executed = () => serving.metrics.executed('batched');
  const batches = () => serving.metrics.value('sluice_batch_rows_count', { model: 'batched' });
  const [requestsBefore, batchesBefore] = [await executed(), await batches()];
  const streams = Array.from({ length: 8 }, () =>
    all(
      serving.client.embed(
        Array.from({ length: 40 }, () => ({ picture: grey(1) })),
        { model: 'batched', window: 4 },
      ),
    ),
  );
  const answers = (await Promise.all(streams)).flat();
  t.is(answers.length, 320);
  await serving.metrics.untilIdle('batched');
  t.is((await executed()) - requestsBefore, 320);
  const perBatch = 320 / ((await batches()) - batchesBefore);
  t.true(perBatch > 2, `${perBatch} frames a batch`);
  t.true(answers.some(({ frame }) => frame!.timings!.batchSize > 4));
});

test.serial('the window bounds how many frames of a stream are in flight', async (t) => {
  for (const window of [1, 3, 16]) {
    const call = serving.wire.embed();
    call.send(embedOptions({ model: 'slow', window }), embedFrame(grey(60)));
    await serving.metrics.untilBusy('slow');
    call.send(...Array.from({ length: 20 }, () => embedFrame(grey(1))));
    await serving.metrics.untilQueued('slow', window - 1);
    let most = 0;
    while (call.answers.length < 21) {
      const [queued, busy] = [await serving.metrics.queued('slow'), await serving.metrics.busy('slow')];
      most = Math.max(most, queued + busy);
    }
    t.is(most, window);
    t.is((await call.finish()).code, 0);
  }
});

test.serial("a stream that asks for no window gets the server's", async (t) => {
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'slow' }), embedFrame(grey(100)));
  await serving.metrics.untilBusy('slow');
  call.send(...Array.from({ length: 20 }, () => embedFrame(grey(0))));
  await serving.metrics.untilQueued('slow', 7);
  t.is((await call.finish()).code, 0);
  t.is(call.answers.length, 21);
});

test.serial('half-closing with frames in flight answers all of them', async (t) => {
  const call = serving.wire.embed();
  call.send(embedOptions({ model: 'slow', window: 2 }));
  call.send(...Array.from({ length: 9 }, (_, index) => embedFrame(grey(index), { frameId: `${index}` })));
  call.end();
  t.is((await call.status).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.frameId),
    Array.from({ length: 9 }, (_, index) => `${index}`),
  );
  call.answers.forEach(({ embeddings }, index) => closeTo(t, embeddings[0]!.values, Array(3).fill(index), 1e-4));
});

test.serial('a stream without any message ends well', async (t) => {
  for (const call of [serving.wire.detect(), serving.wire.embed()]) {
    t.is((await call.finish()).code, 0);
    t.deepEqual(call.answers, []);
  }
});

test.serial('a stream of options alone ends well, and frames may follow them', async (t) => {
  const empty = serving.wire.detect();
  empty.send(detectOptions({ model: 'spots' }));
  t.is((await empty.finish()).code, 0);
  t.deepEqual(empty.answers, []);
  const call = serving.wire.detect();
  call.send(detectOptions({ model: 'spots' }), detectFrame(spots(64, 64, [[8, 8, 255]])));
  t.is((await call.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame, detections }) => [frame?.index, detections.length]),
    [[0, 1]],
  );
});

test.serial('options and the first frame may share a message', async (t) => {
  const call = serving.wire.detect();
  const { options } = detectOptions({ model: 'spots', framePolicy: FramePolicy.FRAME_POLICY_ORDERED });
  call.send({ ...detectFrame(spots(64, 64, [[8, 8, 255]])), options });
  t.is((await call.finish()).code, 0);
  t.is(call.answers[0]?.detections.length, 1);
});

test.serial('a frame is answered while the stream stays open', async (t) => {
  const call = serving.wire.detect();
  call.send(detectOptions({ model: 'spots' }));
  for (let count = 1; count <= 3; count++) {
    call.send(detectFrame(spots(64, 64, [[8, 8, 255]])));
    await call.answered(count);
  }
  t.is((await call.finish()).code, 0);
  t.is(call.answers.length, 3);
});

test.serial('two hundred unary uses, many at a time, are each answered', async (t) => {
  const ask = async (index: number) => {
    const cell = { column: index % 16, row: index % 11 };
    const picture = lightCells(INPUT, INPUT, [cell]);
    const [answer] = await all(serving.client.detect([{ id: `${index}`, picture }], { model: 'spots' }));
    t.is(answer?.frame?.frameId, `${index}`);
    foundAt(t, answer!.detections, [boxOf(cell, INPUT, INPUT)], 1e-3);
  };
  await Promise.all(Array.from({ length: 200 }, (_, index) => ask(index)));
});
