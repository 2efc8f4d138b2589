import test from 'ava';
import { detectFrame, detectOptions } from '../support/messages.js';
import { spots } from '../support/pictures.js';
import { addStageModels, DESCRIBE, FIND, pipelineOf } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** Large pictures through a pipeline: what the first stage keeps for the second is let go of. */

const MEBIBYTE = 1 << 20;
const FRAMES = 50;

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await addStageModels(repository);
    await repository.configure('people', pipelineOf([FIND, DESCRIBE], { max_inflight_requests: 3 }));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const residentBytes = () => serving.metrics.value('process_resident_memory_bytes');

test.serial(
  'the memory of a server does not grow with the frames that go through, nor with those that leave',
  async (t) => {
    // 12 MB each.
    const frame = detectFrame(spots(2000, 2000, [[992, 992, 255]]));
    const stream = async (annotate: boolean, cancelled: boolean): Promise<void> => {
      const call = serving.wire.detect();
      call.send(detectOptions({ model: 'people', window: 4 }, { annotate }), ...Array(FRAMES).fill(frame));
      if (cancelled) {
        await call.answered(5);
        call.cancel();
        await serving.metrics.untilIdle('people');
        return;
      }
      t.is((await call.finish()).code, 0);
      t.true(call.answers.every((answer) => answer.frame?.error === undefined));
      t.is(call.answers.length, FRAMES);
    };
    // As much memory as so many frames at once need, and what allocators keep of it.
    await stream(true, false);
    const before = await residentBytes();
    for (const annotate of [false, true]) {
      await stream(annotate, false);
      await stream(annotate, true);
      await stream(annotate, true);
    }
    const grown = (await residentBytes()) - before;
    const through = Math.round((2 * FRAMES * 12e6) / MEBIBYTE);
    t.true(grown < 200 * MEBIBYTE, `${through} MiB and more went through, and it grew by ${grown / MEBIBYTE} MiB`);
  },
);
