import test from 'ava';
import { all, classifyOne } from '../support/ask.js';
import { boxRegion } from '../support/messages.js';
import { plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { classesModel, meansModel } from '../support/tiny-models.js';

const CPU = { instance_group: { kind: 'KIND_CPU', count: 1 } } as const;
const PICTURES = {
  task: 'classification',
  input: { width: 8, height: 8 },
  preprocess: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  ...CPU,
};

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const labelled = { ...PICTURES, labels: 'labels.txt' };
    await repository.write('colours/labels.txt', 'red\ngreen\nblue\n');
    await repository.addModel('colours', labelled, meansModel(8, 8));
    await repository.addModel('flat', PICTURES, classesModel(8, 8));
    await repository.addModel('softmax', { ...PICTURES, postprocess: { activation: 'softmax' } }, meansModel(8, 8));
    await repository.addModel(
      'sigmoid',
      { ...PICTURES, postprocess: { activation: 'sigmoid', top_k: 2, score_threshold: 0.6 } },
      meansModel(8, 8),
    );
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Levels whose shares of 255 are 0.2, 0.8 and 0.4. */
const PICTURE = plain(16, 12, [51, 204, 102]);
const VALUES = [0.2, 0.8, 0.4].map(Math.fround);

const near = (found: readonly { score: number }[], expected: readonly number[]): boolean =>
  found.length === expected.length && found.every(({ score }, index) => Math.abs(score - expected[index]!) < 2e-7);

test('classes are told best first with their labels, as many as are asked for', async (t) => {
  const { frame, classifications } = await classifyOne(serving.client, { picture: PICTURE }, { model: 'colours' });
  t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 16, 12]);
  t.is(classifications.length, 1);
  const { classes } = classifications[0]!;
  t.deepEqual(
    classes.map(({ classId, label }) => [classId, label]),
    [
      [1, 'green'],
      [2, 'blue'],
      [0, 'red'],
    ],
  );
  t.true(near(classes, [VALUES[1]!, VALUES[2]!, VALUES[0]!]));
  const asked = { model: 'colours', topK: 2, scoreThreshold: 0.5 };
  const { classifications: few } = await classifyOne(serving.client, { picture: PICTURE }, asked);
  t.deepEqual(
    few[0]!.classes.map(({ label }) => label),
    ['green'],
  );
});

test('an output [N, C, 1, 1] does as well', async (t) => {
  const { classifications } = await classifyOne(serving.client, { picture: PICTURE }, { model: 'flat' });
  t.deepEqual(
    classifications[0]!.classes.map(({ classId, label }) => [classId, label]),
    [
      [1, ''],
      [2, ''],
      [0, ''],
    ],
  );
});

test('each region has classes of its own, and one that cannot be looked at fails alone', async (t) => {
  const half = plain(16, 8, [255, 0, 0]);
  for (let y = 0; y < 8; y++) half.data.fill(0, (y * 16 + 8) * 3, (y + 1) * 16 * 3);
  for (let y = 0; y < 8; y++) for (let x = 8; x < 16; x++) half.data[(y * 16 + x) * 3 + 2] = 255;
  const regions = [boxRegion(0, 0, 8, 8), boxRegion(3, 3, 3, 3), boxRegion(8, 0, 16, 8)];
  const { classifications } = await classifyOne(serving.client, { picture: half, regions }, { model: 'colours' });
  t.deepEqual(
    classifications.map(({ classes, error }) => error?.code ?? classes[0]?.label),
    ['red', 'BAD_REGION', 'blue'],
  );
});

test('scores become probabilities by softmax or the logistic function', async (t) => {
  const soft = await classifyOne(serving.client, { picture: PICTURE }, { model: 'softmax' });
  const sum = VALUES.reduce((total, value) => total + Math.exp(value), 0);
  const expected = [VALUES[1]!, VALUES[2]!, VALUES[0]!];
  t.true(
    near(
      soft.classifications[0]!.classes,
      expected.map((value) => Math.exp(value) / sum),
    ),
  );
  // The configuration asks for two classes over 0.6, and there is only one.
  const logistic = await classifyOne(serving.client, { picture: PICTURE }, { model: 'sigmoid' });
  t.true(near(logistic.classifications[0]!.classes, [1 / (1 + Math.exp(-0.8))].slice(0, 1)));
});

test('options out of range end the stream', async (t) => {
  for (const settings of [{ topK: 65_537 }, { scoreThreshold: 1.5 }, { scoreThreshold: NaN }]) {
    const call = all(serving.client.classify([{ picture: PICTURE }], { model: 'colours', ...settings }));
    await t.throwsAsync(call, { message: /top_k is 65537|score_threshold is/ });
  }
});
