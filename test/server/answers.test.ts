import test from 'ava';
import { all, detectOne } from '../support/ask.js';
import { closeTo, foundAt } from '../support/close-to.js';
import { detectFrame, detectOptions } from '../support/messages.js';
import { spots } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { boxOf, cellsInside, lightCells, type Size } from '../support/spot-pictures.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';

const SQUARE = { width: 64, height: 64 };
const WIDE = { width: 96, height: 32 };

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const instances = { instance_group: { count: 1 } };
    await repository.addModel('square', { task: 'centerface', input: SQUARE, ...instances }, spotsModel(64, 64));
    await repository.addModel('wide', { task: 'centerface', input: WIDE, ...instances }, spotsModel(96, 32));
    await repository.addModel(
      'tuned',
      {
        task: 'centerface',
        input: SQUARE,
        labels: 'labels.txt',
        postprocess: { score_threshold: 0.3, nms_threshold: 0.4, max_detections: 3 },
        ...instances,
      },
      spotsModel(64, 64),
    );
    await repository.write('tuned/labels.txt', 'face of red\n');
    await repository.addModel('only-embedder', { task: 'embedding', input: SQUARE, ...instances }, meansModel(64, 64));
    await repository.addModel(
      'versions',
      { task: 'centerface', input: SQUARE, version_policy: { all: {} }, ...instances },
      spotsModel(64, 64),
    );
    await repository.addVersion('versions', 12, spotsModel(64, 64));
    await repository.addVersion('versions', 3, spotsModel(64, 64));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Two rows of blocks that do not touch: the scores are 1, 0.8, 0.6, 0.4 and 0.2. */
const LADDER = spots(64, 64, [
  [8, 8, 102],
  [24, 8, 255],
  [40, 8, 153],
  [8, 40, 204],
  [24, 40, 51],
]);

const SIZES: readonly Size[] = [
  { width: 64, height: 48 },
  { width: 48, height: 64 },
  { width: 128, height: 96 },
  { width: 96, height: 128 },
  { width: 320, height: 200 },
  { width: 201, height: 317 },
  { width: 32, height: 20 },
  { width: 1920, height: 1080 },
];

for (const [model, input] of [
  ['square', SQUARE],
  ['wide', WIDE],
] as const) {
  for (const size of SIZES) {
    test(`a ${size.width}x${size.height} picture's spots are found at their places by a ${input.width}x${input.height} model`, async (t) => {
      const cells = cellsInside(size, input);
      const lit = [cells[0]!, cells.at(-1)!];
      const picture = lightCells(size, input, lit);
      const { frame, detections } = await detectOne(serving.client, { picture }, { model });
      t.is(frame?.error, undefined);
      t.deepEqual([frame?.width, frame?.height], [size.width, size.height]);
      const boxes = lit.map((cell) => boxOf(cell, size, input));
      foundAt(t, detections, boxes, 0.001 * Math.max(size.width, size.height));
      for (const { landmarks, box } of detections) {
        const { left, top, right, bottom } = box!;
        const expected = [0, 1, 2, 3, 4].flatMap((k) => [
          left + ((right - left) * (2 * k + 1)) / 10,
          top + ((bottom - top) * 2 * k) / 10,
        ]);
        closeTo(
          t,
          landmarks.flatMap(({ x, y }) => [x, y]),
          expected,
          0.01,
          'the landmarks',
        );
      }
    });
  }
}

test('detections come best score first, each with the level of its spot as score', async (t) => {
  const { detections } = await detectOne(serving.client, { picture: LADDER }, { model: 'square', scoreThreshold: 0.1 });
  const scores = detections.map(({ score }) => score);
  closeTo(t, scores, [1, 0.8, 0.6, 0.4, 0.2], 1e-5);
});

test("the score threshold is the stream's, or else the model's", async (t) => {
  const count = async (model: string, scoreThreshold?: number) => {
    const settings = scoreThreshold === undefined ? { model } : { model, scoreThreshold };
    return (await detectOne(serving.client, { picture: LADDER }, settings)).detections.length;
  };
  t.is(await count('square', 0.7), 2);
  t.is(await count('square', 0.1), 5);
  t.is(await count('square'), 3, 'the default of a configuration is 0.5');
  t.is(await count('tuned', 0.7), 2);
  t.is(await count('tuned'), 3, 'of the four above its 0.3, max_detections lets three through');
});

test("the NMS threshold is the stream's, or else the model's", async (t) => {
  // Boxes of two cells side by side overlap by 4 of 8 columns: an intersection over union of 1/3.
  const picture = spots(64, 64, [
    [24, 24, 255],
    [28, 24, 204],
  ]);
  const scores = async (model: string, nmsThreshold?: number) => {
    const settings = nmsThreshold === undefined ? { model } : { model, nmsThreshold };
    const { detections } = await detectOne(serving.client, { picture }, settings);
    return detections.map(({ score }) => Number(score.toFixed(3)));
  };
  t.deepEqual(await scores('square', 0.32), [1]);
  t.deepEqual(await scores('square', 0.34), [1, 0.8]);
  t.deepEqual(await scores('square'), [1], 'the default of a configuration is 0.3');
  t.deepEqual(await scores('tuned'), [1, 0.8], 'its configuration says 0.4');
  t.deepEqual(await scores('tuned', 0.1), [1]);
  t.deepEqual(await scores('tuned', 1), [1, 0.8]);
  t.deepEqual(await scores('tuned', 0), [1]);
});

test('the class filter lets only the classes through that it names', async (t) => {
  const found = async (...classIds: number[]) =>
    (await detectOne(serving.client, { picture: LADDER }, { model: 'square', classIds })).detections.length;
  t.is(await found(0), 3);
  t.is(await found(1), 0);
  t.is(await found(7, 0), 3);
  t.is(await found(), 3);
});

test('max_detections keeps the best ones', async (t) => {
  const settings = { model: 'square', scoreThreshold: 0.1, maxDetections: 2 };
  const { detections } = await detectOne(serving.client, { picture: LADDER }, settings);
  closeTo(
    t,
    detections.map(({ score }) => score),
    [1, 0.8],
    1e-5,
  );
});

test("a detection has the label of its class from the model's labels file, or none", async (t) => {
  const labelled = await detectOne(serving.client, { picture: LADDER }, { model: 'tuned' });
  t.deepEqual([...new Set(labelled.detections.map(({ label, classId }) => `${classId} ${label}`))], ['0 face of red']);
  const plain = await detectOne(serving.client, { picture: LADDER }, { model: 'square' });
  t.deepEqual([...new Set(plain.detections.map(({ label }) => label))], ['']);
});

test('an answer tells its frame, place, model, version, size and timings', async (t) => {
  const call = serving.wire.detect();
  const captureTime = { seconds: 1_700_000_000, nanos: 123_456_789 };
  const frameId = '☂ '.repeat(64);
  t.is(Buffer.byteLength(frameId), 256, 'as long as an id may be');
  call.send(detectOptions({ model: 'wide' }), detectFrame(LADDER), detectFrame(LADDER, { frameId, captureTime }));
  t.is((await call.finish()).code, 0);
  const [first, second] = call.answers.map(({ frame }) => frame!);
  t.deepEqual([first?.frameId, first?.captureTime, first?.index], ['', undefined, 0]);
  t.deepEqual([second?.frameId, second?.captureTime, second?.index], [frameId, captureTime, 1]);
  for (const frame of [first!, second!]) {
    t.deepEqual([frame.modelName, frame.modelVersion, frame.width, frame.height], ['wide', '1', 64, 64]);
    t.is(frame.error, undefined);
    const { batchSize, totalUs, ...phases } = frame.timings!;
    t.true(batchSize >= 1);
    t.true(phases.inferUs > 0 && phases.preprocessUs > 0 && phases.postprocessUs >= 0);
    const { queueUs, decodeUs, preprocessUs, inferUs, postprocessUs } = phases;
    t.true(
      totalUs + 3 >= queueUs + decodeUs + preprocessUs + inferUs + postprocessUs,
      'the phases are parts of the total',
    );
  }
});

test('a picture without anything in it is answered without detections', async (t) => {
  const { frame, detections } = await detectOne(serving.client, { picture: spots(50, 40, []) }, { model: 'square' });
  t.deepEqual([frame?.error, detections], [undefined, []]);
});

test('a picture of a single pixel is answered', async (t) => {
  const { frame } = await detectOne(serving.client, { picture: spots(1, 1, []) }, { model: 'square' });
  t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 1, 1]);
});

test('a stream without a model gets the only one that answers the call', async (t) => {
  const [answer] = await all(serving.client.embed([{ picture: LADDER }]));
  t.is(answer?.frame?.modelName, 'only-embedder');
  t.is(answer?.frame?.error, undefined);
});

test('a stream gets the version it names, and the newest when it names none', async (t) => {
  const version = async (asked?: string) => {
    const settings = asked === undefined ? { model: 'versions' } : { model: 'versions', version: asked };
    return (await detectOne(serving.client, { picture: LADDER }, settings)).frame?.modelVersion;
  };
  t.is(await version(), '12');
  t.is(await version(''), '12');
  t.is(await version('1'), '1');
  t.is(await version('3'), '3');
  t.is(await version('12'), '12');
});
