import test from 'ava';
import { detectOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { constantModel } from '../support/constant-models.js';
import { boxRegion } from '../support/messages.js';
import { spots } from '../support/pictures.js';
import { addSpots, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { firstPointModel } from '../support/points-model.js';
import { Serving } from '../support/serving.js';

/** Detect -> pose -> fall: each person has its key points and its state. */

const INPUT = { width: 24, height: 32 };
const POINTS = 16;

/** x y score of each point, in the network's pixels. */
const POSE = Array.from({ length: POINTS }, (_, index) => [3 + index, 30 - index, 0.25 + index / 32]).flat();

let serving: Serving;

const picture = spots(SIDE, SIDE, [
  [20, 24, 250],
  [80, 64, 200],
  [40, 100, 180],
]);

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await addSpots(repository);
    const one = { instance_group: { count: 1, kind: 'KIND_CPU' } };
    const pose = constantModel(INPUT.width, INPUT.height, [{ name: 'points', shape: [POINTS, 3], values: POSE }]);
    await repository.addModel('poses', { task: 'alphapose', input: INPUT, max_batch_size: 2, ...one }, pose);
    await repository.addModel('falls', { task: 'fall', ...one }, firstPointModel('batch'));
    const estimate = { name: 'estimate', model: 'poses', input: 'find' };
    await repository.configure('posed', pipelineOf([FIND, estimate]));
    const judge = { name: 'judge', model: 'falls', input: 'estimate' };
    await repository.configure('falling', pipelineOf([FIND, { ...estimate, max_regions: 2 }, judge]));
    await repository.configure('blind', pipelineOf([FIND, { ...judge, input: 'find' }]));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

test('each detection has the key points that its box alone has', async (t) => {
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'posed' });
  t.is(frame?.error, undefined);
  t.deepEqual([detections.length, stages[1]?.regions], [3, 3]);
  const regions = detections.map(({ box }) => boxRegion(box!.left, box!.top, box!.right, box!.bottom));
  const alone = await detectOne(serving.client, { picture, regions } as never, { model: 'poses' });
  t.is(alone.detections.length, 3);
  detections.forEach(({ keyPoints, landmarks, score }, index) => {
    t.is(keyPoints.length, POINTS);
    t.deepEqual(keyPoints, alone.detections[index]!.keyPoints);
    t.is(landmarks.length, 5, 'those of the first stage stay');
    t.not(score, alone.detections[index]!.score, 'and so does its score');
  });
});

test('each pose has a state, computed from its key points in its box', async (t) => {
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'falling' });
  t.is(frame?.error, undefined);
  t.deepEqual(
    stages.map(({ name, regions, error }) => [name, regions, error]),
    [
      ['find', 0, undefined],
      ['estimate', 2, undefined],
      ['judge', 2, undefined],
    ],
  );
  t.deepEqual(
    detections.map(({ keyPoints, classification }) => [keyPoints.length, classification === undefined]),
    [
      [POINTS, false],
      [POINTS, false],
      [0, true],
    ],
  );
  for (const { box, keyPoints, classification } of detections.slice(0, 2)) {
    const side = Math.max(box!.right - box!.left, box!.bottom - box!.top);
    const { x, y, score } = keyPoints[0]!;
    const logits = [(x - box!.left) / side - 0.5, (y - box!.top) / side - 0.5, score];
    const powers = logits.map(Math.exp);
    const sum = powers.reduce((total, power) => total + power, 0);
    const expected = powers.map((power, classId) => ({ classId, score: power / sum }));
    const over = expected.sort((a, b) => b.score - a.score);
    t.deepEqual(
      classification!.classes.map(({ classId, label }) => [classId, label]),
      over.map(({ classId }) => [classId, ['fall', 'stand', 'uncertain'][classId]]),
    );
    closeTo(
      t,
      classification!.classes.map((entry) => entry.score),
      over.map((entry) => entry.score),
      1e-5,
    );
  }
});

test('falls are not read from landmarks without scores', async (t) => {
  const error = await t.throwsAsync(detectOne(serving.client, { picture }, { model: 'blind' }));
  t.regex(
    error!.message,
    /model falls reads 16 key points with scores, or makes them of COCO's 17; stage find tells 5 points without/,
  );
});
