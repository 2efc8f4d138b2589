import test from 'ava';
import type { DetectResponse } from '../../clients/typescript/sluice-client.js';
import { all, detectOne, embedOne } from '../support/ask.js';
import { boxRegion, landmarksRegion } from '../support/messages.js';
import { encode, spots } from '../support/pictures.js';
import { addStageModels, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** Pipelines of a detector and an embedder, both of which compute what a test can know. */

let serving: Serving;

const LEVELS = [250, 230, 210, 190, 170];
const picture = spots(
  SIDE,
  SIDE,
  LEVELS.map((level, index) => [16 + 20 * index, 24 + 16 * index, level] as const),
);

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await addStageModels(repository);
    const add = (name: string, describe: object) =>
      repository.configure(name, pipelineOf([FIND, { ...DESCRIBE, ...describe }]));
    await add('boxes', {});
    await add('aligned', { regions: 'landmarks' });
    await add('few', { max_regions: 2 });
    await add('sure', { min_score: 0.8 });
    await add('large', { min_size: 9 });
    await add('others', { class_ids: [1] });
    await repository.configure('alone', pipelineOf([FIND]));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** The embeddings that a client gets who sends the regions himself. */
async function embeddingsOf({ detections }: DetectResponse, regions: 'box' | 'landmarks'): Promise<number[][]> {
  const asked = detections.map(({ box, landmarks }) =>
    regions === 'box'
      ? boxRegion(box!.left, box!.top, box!.right, box!.bottom)
      : landmarksRegion(landmarks.flatMap(({ x, y }) => [x, y])),
  );
  const { embeddings } = await embedOne(serving.client, { picture, regions: asked }, { model: 'grid' });
  return embeddings.map(({ values }) => values);
}

test('a pipeline of one stage answers what its detector does', async (t) => {
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'alone' });
  t.is(frame?.error, undefined);
  t.deepEqual(detections, (await detectOne(serving.client, { picture }, { model: 'spots' })).detections);
  t.deepEqual(
    stages.map(({ name, modelName, modelVersion, regions, error }) => [name, modelName, modelVersion, regions, error]),
    [['find', 'spots', '1', 0, undefined]],
  );
});

for (const [model, regions] of [
  ['boxes', 'box'],
  ['aligned', 'landmarks'],
] as const) {
  test(`each detection has the embedding that its ${regions} alone has, with any kind of picture`, async (t) => {
    const answer = await detectOne(serving.client, { picture }, { model });
    t.is(answer.frame?.error, undefined);
    t.is(answer.detections.length, LEVELS.length);
    const expected = await embeddingsOf(answer, regions);
    t.true(expected.every((values) => values.some((value) => value > 1)));
    t.deepEqual(
      answer.detections.map(({ embedding }) => embedding?.values),
      expected,
    );
    const file = await detectOne(serving.client, { picture: await encode(picture, 'png') }, { model });
    t.deepEqual(file.detections, answer.detections);
    const [find, describe] = answer.stages;
    t.deepEqual([find?.regions, describe?.regions], [0, LEVELS.length]);
    t.true(describe!.timings!.batchSize >= LEVELS.length);
    t.true(answer.frame!.timings!.totalUs >= find!.timings!.totalUs + describe!.timings!.totalUs);
  });
}

test('a stage looks at the detections that its configuration chooses', async (t) => {
  const described = async (model: string) => {
    const { detections, stages, frame } = await detectOne(serving.client, { picture }, { model });
    t.is(frame?.error, undefined);
    t.is(detections.length, LEVELS.length);
    t.is(stages[1]?.regions, detections.filter(({ embedding }) => embedding !== undefined).length);
    return detections.map(({ embedding }) => embedding !== undefined);
  };
  t.deepEqual(await described('few'), [true, true, false, false, false]);
  t.deepEqual(await described('sure'), [true, true, true, false, false]);
  t.deepEqual(await described('large'), [false, false, false, false, false]);
  t.deepEqual(await described('others'), [false, false, false, false, false]);
});

test('the options of a request apply to the first stage, its own defaults to the rest', async (t) => {
  const settings = { model: 'boxes', scoreThreshold: 0.95, maxDetections: 1 };
  const { detections } = await detectOne(serving.client, { picture }, settings);
  t.is(detections.length, 1);
  t.not(detections[0]?.embedding, undefined);
  const none = await detectOne(serving.client, { picture }, { model: 'boxes', classIds: [7] });
  t.deepEqual([none.frame?.error, none.detections], [undefined, []]);
  t.deepEqual(
    none.stages.map(({ regions, modelVersion, timings }) => [regions, modelVersion, timings === undefined]),
    [
      [0, '1', false],
      [0, '', true],
    ],
  );
});

test('frames are answered in their order, each with its own findings', async (t) => {
  const frames = Array.from({ length: 60 }, (_, index) => ({
    id: String(index),
    picture: spots(
      SIDE,
      SIDE,
      LEVELS.slice(0, index % 6).map((level, at) => [8 + 20 * at, 4 + 4 * (index % 24), level]),
    ),
  }));
  const answers = await all(serving.client.detect(frames, { model: 'boxes', window: 16 }));
  t.deepEqual(
    answers.map(({ frame, detections }) => [frame?.frameId, detections.length]),
    frames.map(({ id }, index) => [id, index % 6]),
  );
  for (const [index, { detections }] of answers.entries()) {
    const regions = detections.map(({ box }) => boxRegion(box!.left, box!.top, box!.right, box!.bottom));
    if (regions.length === 0 || index % 7 > 0) continue;
    const { embeddings } = await embedOne(serving.client, { ...frames[index]!, regions }, { model: 'grid' });
    t.deepEqual(
      detections.map(({ embedding }) => embedding?.values),
      embeddings.map(({ values }) => values),
    );
  }
});

test('a picture that cannot be decoded fails alone', async (t) => {
  const broken = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]);
  const answers = await all(serving.client.detect([{ picture }, { picture: broken }, { picture }], { model: 'boxes' }));
  t.deepEqual(
    answers.map(({ frame, detections }) => [frame?.error?.code, detections.length]),
    [
      [undefined, LEVELS.length],
      ['BAD_IMAGE', 0],
      [undefined, LEVELS.length],
    ],
  );
});
