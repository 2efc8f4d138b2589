import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { openPipeline } from '../../server/core/pipeline/open-pipeline.js';
import type { StageConfig } from '../../server/core/pipeline/pipeline-config.js';
import { trackerSchema } from '../../server/core/tracking-config.js';
import { FACES, FakeStages, POSES } from '../support/fake-stages.js';

/** Which models fit together, by what the detections of one have and the other needs. */

const FIND: StageConfig = { name: 'find', model: 'faces' };
const ALIGNMENT = Array.from({ length: 5 }, (_, index) => [10 * index, 10]);

function models(): FakeStages {
  const stages = new FakeStages();
  stages.add('faces', {}, FACES);
  stages.add('boxes', {}, { ...FACES, points: 0 });
  stages.add('poses', {}, POSES);
  stages.add('turned', {}, { ...FACES, rotated: true });
  stages.add('outlines', { task: 'yolov8_seg' }, FACES);
  stages.add('vectors', { task: 'embedding', preprocess: { alignment: ALIGNMENT } });
  stages.add('falls', { task: 'fall', input: undefined });
  return stages;
}

async function problem(stages: readonly StageConfig[], tracker?: object): Promise<string | null> {
  const config = {
    pipeline: { stages: [...stages], max_inflight_requests: 2 },
    tracker: tracker === undefined ? undefined : trackerSchema.parse(tracker),
  };
  const fakes = models();
  try {
    await using _ = await openPipeline('people', config, fakes, fakes.clock, new AbortController().signal);
    return null;
  } catch (cause) {
    if (!(cause instanceof ServingError) || cause.code !== 'MODEL_INVALID') throw cause;
    return cause.message;
  }
}

test('landmarks are asked of detectors that tell five', async (t) => {
  const aligned: StageConfig = { name: 'embed', model: 'vectors', input: 'find', regions: 'landmarks' };
  t.is(await problem([FIND, aligned]), null);
  t.regex((await problem([{ ...FIND, model: 'boxes' }, aligned]))!, /^stage embed: .*stage find tells no points/);
  t.regex((await problem([{ ...FIND, model: 'poses' }, aligned]))!, /stage find tells 16 points with scores, not five/);
});

test('falls are read from poses of 16 key points with scores', async (t) => {
  const fall: StageConfig = { name: 'fall', model: 'falls', input: 'find' };
  t.is(await problem([{ ...FIND, model: 'poses' }, fall]), null);
  t.regex(
    (await problem([FIND, fall]))!,
    /^stage fall: model falls reads 16 key points.*tells 5 points without scores/,
  );
});

test('boxes cannot unite where they are turned', async (t) => {
  const tiles = { width: 64, height: 64, overlap: 0.2, whole_frame: true, match: 'ios', threshold: 0.5 } as const;
  const tiled = (model: string, merge: 'nms' | 'nmm'): StageConfig => ({ ...FIND, model, tiles: { ...tiles, merge } });
  t.is(await problem([tiled('turned', 'nms')]), null);
  t.regex((await problem([tiled('turned', 'nmm')]))!, /turned boxes/);
  t.is(await problem([tiled('outlines', 'nms')]), null);
  t.regex((await problem([tiled('outlines', 'nmm')]))!, /finds masks/);
});

test('a tracker by looks needs a stage that embeds', async (t) => {
  const tracker = { algorithm: 'deepsort', deepsort: { preset: 'face' } };
  t.is(await problem([FIND, { name: 'embed', model: 'vectors', input: 'find' }], tracker), null);
  t.regex((await problem([FIND], tracker))!, /no stage embeds/);
  t.is(await problem([FIND], { algorithm: 'ocsort' }), null);
});

test('all stages are looked at before any is refused', async (t) => {
  const why = await problem([
    { ...FIND, model: 'vectors' },
    { name: 'gone', model: 'nothing', input: 'find' },
    { name: 'again', model: 'faces', input: 'find' },
  ]);
  t.regex(why!, /stage find: .*stage gone: no model nothing; stage again: /);
});

test('loading ends when it is not wanted any more', async (t) => {
  const fakes = models();
  const leaving = new AbortController();
  leaving.abort(new ServingError('SHUTTING_DOWN', 'the server is shutting down'));
  const config = { pipeline: { stages: [FIND], max_inflight_requests: 2 } };
  const error = await t.throwsAsync(openPipeline('people', config, fakes, fakes.clock, leaving.signal));
  t.is((error as ServingError).code, 'SHUTTING_DOWN');
});
