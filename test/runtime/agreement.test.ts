import test from 'ava';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ServingError } from '../../server/core/errors.js';
import { modelConfigSchema } from '../../server/core/model-config.js';
import {
  agreementText,
  measureAgreement,
  requireAgreement,
  type DetectionAgreement,
} from '../../server/runtime/calibration/agreement.js';
import { CpuInstance } from '../../server/runtime/cpu-instance.js';
import type { BatchDone } from '../../server/runtime/messages.js';
import { closeTo } from '../support/close-to.js';
import { InstanceDouble, PerturbedInstance, type Answer } from '../support/instance-double.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const DETECTOR = modelConfigSchema.parse({
  task: 'centerface',
  input: { width: 64, height: 64 },
  max_batch_size: 2,
  postprocess: { score_threshold: 0.4, nms_threshold: 0.2, max_detections: 7 },
});
const EMBEDDER = modelConfigSchema.parse({ task: 'embedding', input: { width: 64, height: 64 }, max_batch_size: 2 });

/** left top right bottom score class, and two values that are not compared. */
const box = (left: number, score: number) => [left, 0, left + 10, 10, score, 0, NaN, 77];

/** Doubles do not look at the pictures: any files do. */
async function anyPictures(scratch: ScratchDirectory, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => scratch.write(`${index}.png`, String(index))));
}

const doubles = (reference: readonly Answer[], candidate: readonly Answer[]) => ({
  reference: new InstanceDouble((frame) => reference[frame]!),
  candidate: new InstanceDouble((frame) => candidate[frame]!),
});

test('detections that are moved, missing and added give the figures that they should', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles(
    [[box(0, 0.9), box(100, 0.8)], [box(0, 0.75)], []],
    // Moved by 2 of 10: IoU 8/12. The second is missing; one of the third picture is too many.
    [[box(2, 0.875)], [box(0, 0.5)], [box(50, 0.625)]],
  );
  const pictures = await anyPictures(scratch, 3);
  const report = await measureAgreement({ ...models, pictures, config: DETECTOR });
  const { kind, pictures: count, referenceDetections, candidateDetections } = report as DetectionAgreement;
  t.deepEqual([kind, count, referenceDetections, candidateDetections], ['detect', 3, 3, 3]);
  const { precision, recall, f1, agreement, meanIou, meanScoreDifference } = report as DetectionAgreement;
  closeTo(t, [precision, recall, f1, agreement], [2 / 3, 2 / 3, 2 / 3, 2 / 3], 1e-12);
  closeTo(t, [meanIou!, meanScoreDifference!], [(8 / 12 + 1) / 2, (0.025 + 0.25) / 2], 1e-6);
});

test('both models get the same frames, whole, with the thresholds of the configuration, a batch at a time', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles([[], [], []], [[], [], []]);
  await measureAgreement({ ...models, pictures: await anyPictures(scratch, 3), config: DETECTOR });
  for (const { batches } of [models.reference, models.candidate]) {
    t.deepEqual(
      batches.map((batch) => batch.length),
      [2, 1],
    );
    const frames = batches.flat();
    t.deepEqual(
      frames.map(({ content }) => Buffer.from(content.kind === 'encoded' ? content.bytes : []).toString()),
      ['0', '1', '2'],
    );
    t.deepEqual(frames[2]!.parameters, {
      kind: 'detect',
      scoreThreshold: 0.4,
      nmsThreshold: 0.2,
      classIds: null,
      maxDetections: 7,
      regions: [],
      maskFormat: 'run_lengths',
    });
  }
});

test('no match leaves the figures of matches open', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles([[box(0, 0.9)]], [[box(50, 0.9)]]);
  const report = await measureAgreement({ ...models, pictures: await anyPictures(scratch, 1), config: DETECTOR });
  t.like(report, { agreement: 0, precision: 0, recall: 0, meanIou: null, meanScoreDifference: null });
  t.regex(agreementText(report), /mean IoU unknown/);
});

test('embedders are compared by the cosine, in the mean and at least', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles([[[1, 0]], [[3, 4]], [[0, 2]]], [[[5, 0]], [[4, 3]], [[0, 1]]]);
  const pictures = await anyPictures(scratch, 3);
  const report = await measureAgreement({ ...models, pictures, config: EMBEDDER });
  t.like(report, { kind: 'embed', pictures: 3 });
  if (report.kind !== 'embed') return;
  closeTo(t, [report.agreement, report.meanCosine, report.minimumCosine], [2.96 / 3, 2.96 / 3, 0.96], 1e-6);
  t.deepEqual(models.candidate.batches[0]![0]!.parameters, { kind: 'embed', regions: [] });
});

test('classifiers are compared by their best class', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles(
    [[[0.25, 0.75]], [[0.5, 0.5]], [[1, 0]], [[0, 1]]],
    [[[0.5, 0.5]], [[0.75, 0.25]], [[0.75, 0.25]], [[0.25, 0.75]]],
  );
  const config = modelConfigSchema.parse({ task: 'classification', input: EMBEDDER.input, max_batch_size: 4 });
  const report = await measureAgreement({ ...models, pictures: await anyPictures(scratch, 4), config });
  t.deepEqual(report, { kind: 'classify', agreement: 0.75, pictures: 4, sameBest: 3, meanScoreDifference: 0.25 });
  t.notThrows(() => requireAgreement(report, 0.75));
  t.throws(() => requireAgreement(report, 0.8), {
    message: /best class is the same in 3 of 4 pictures, scores off by 0\.2500/,
  });
  t.like(models.reference.batches[0]![0]!.parameters, { kind: 'classify', regions: [] });
});

test('a picture that a model fails on ends the comparison with its name', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const failed = { code: 'BAD_IMAGE', message: 'the picture cannot be decoded: cut short' } as const;
  const models = doubles([[], []], [[], failed]);
  const pictures = await anyPictures(scratch, 2);
  const error = await t.throwsAsync(measureAgreement({ ...models, pictures, config: DETECTOR }), {
    instanceOf: ServingError,
  });
  t.is((error as ServingError).code, 'BAD_IMAGE');
  t.is(error?.message, `${pictures[1]}: the picture cannot be decoded: cut short`);
});

test('no pictures, one that is gone, and a comparison that is called off', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const models = doubles([[]], [[]]);
  const ask = (pictures: string[], signal?: AbortSignal) =>
    measureAgreement({ ...models, pictures, config: DETECTOR, ...(signal === undefined ? {} : { signal }) });
  await t.throwsAsync(ask([]), { message: /no picture to compare/ });
  await t.throwsAsync(ask([join(scratch.path, 'gone.png')]), { message: /gone\.png cannot be read/ });
  await t.throwsAsync(ask(await anyPictures(scratch, 1), AbortSignal.abort(new Error('called off'))), {
    message: 'called off',
  });
});

const report: DetectionAgreement = {
  kind: 'detect',
  agreement: 0.9,
  pictures: 20,
  precision: 0.92,
  recall: 0.88,
  f1: 0.9,
  meanIou: 0.81,
  meanScoreDifference: 0.0625,
  referenceDetections: 50,
  candidateDetections: 48,
};

test('an agreement at the floor passes, and one below is refused with the figures and what can be done', (t) => {
  t.notThrows(() => requireAgreement(report, 0.9));
  const error = t.throws(() => requireAgreement(report, 0.91), { instanceOf: ServingError });
  t.is((error as ServingError).code, 'MODEL_INVALID');
  for (const part of [
    'to 0.9000, below the accuracy_floor of 0.91',
    'precision 0.9200, recall 0.8800, mean IoU 0.8100, scores off by 0.0625',
    '48 detections where fp32 has 50, over 20 pictures',
    'more pictures',
    'minmax',
    'Q/DQ',
    'fp16',
  ]) {
    t.true(error?.message.includes(part), `${part} in ${error?.message}`);
  }
  const embedder = { kind: 'embed', agreement: 0.95, pictures: 9, meanCosine: 0.95, minimumCosine: 0.5 } as const;
  t.notThrows(() => requireAgreement(embedder, 0.95));
  t.throws(() => requireAgreement(embedder, 0.96), { message: /cosine 0\.9500 in the mean and 0\.5000 at least/ });
});

test('pictures in which there is nothing to detect tell nothing', (t) => {
  const nothing = { ...report, agreement: 1, referenceDetections: 0, candidateDetections: 0 };
  t.throws(() => requireAgreement(nothing, 0), { message: /detects nothing in the 20 pictures/ });
});

const CENTERFACE = join('model-repo', 'centerface', '1', 'model.onnx');
const ASTRONAUT = join('model-repo', '.samples', 'astronaut.png');
const withModel = existsSync(CENTERFACE) && existsSync(ASTRONAUT) ? test : test.skip;

const FACES = modelConfigSchema.parse({ task: 'centerface', input: { width: 320, height: 320 }, max_batch_size: 2 });

/** centerface on the CPU, and pictures of one face, two, and none. */
async function faces(scratch: ScratchDirectory) {
  const instance = await CpuInstance.create(
    {
      modelFile: CENTERFACE,
      config: FACES,
      labels: 0,
      placement: { kind: 'cpu', threads: 1 },
      maxPicturePixels: 2 ** 26,
    },
    1,
  );
  const two = sharp({ create: { width: 640, height: 320, channels: 3, background: '#203040' } }).composite([
    { input: await sharp(ASTRONAUT).resize(320).toBuffer(), left: 0, top: 0 },
    { input: await sharp(ASTRONAUT).resize(320).toBuffer(), left: 320, top: 0 },
  ]);
  const none = sharp({ create: { width: 64, height: 64, channels: 3, background: '#203040' } });
  const pictures = [
    ASTRONAUT,
    await scratch.write('two.png', await two.png().toBuffer()),
    await scratch.write('none.png', await none.png().toBuffer()),
  ];
  return { instance, pictures };
}

withModel('centerface agrees with itself entirely', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { instance, pictures } = await faces(scratch);
  await using reference = instance;
  const found = await measureAgreement({ reference, candidate: reference, pictures, config: FACES });
  t.deepEqual(found, {
    kind: 'detect',
    agreement: 1,
    pictures: 3,
    precision: 1,
    recall: 1,
    f1: 1,
    meanIou: 1,
    meanScoreDifference: 0,
    referenceDetections: 3,
    candidateDetections: 3,
  });
  t.notThrows(() => requireAgreement(found, 1));
});

/** Moves every box by a quarter of its width and makes scores worse by 1/16; drops the last row of frames with two. */
function worse(done: BatchDone): BatchDone {
  const tables: number[] = [];
  let offset = 0;
  const frames = done.frames.map((frame) => {
    const rows = frame.rows === 2 ? 1 : frame.rows;
    for (let row = 0; row < rows; row++) {
      const [left = 0, top = 0, right = 0, bottom = 0, score = 0, ...rest] = done.values.subarray(
        offset + row * frame.columns,
        offset + (row + 1) * frame.columns,
      );
      const moved = (right - left) / 4;
      tables.push(left + moved, top, right + moved, bottom, score - 1 / 16, ...rest);
    }
    offset += frame.rows * frame.columns;
    return { ...frame, rows };
  });
  return { ...done, frames, values: Float32Array.from(tables) };
}

withModel('centerface made worse is told by how much', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { instance, pictures } = await faces(scratch);
  await using reference = instance;
  const candidate = new PerturbedInstance(reference, worse);
  const found = await measureAgreement({ reference, candidate, pictures, config: FACES });
  t.like(found, { precision: 1, referenceDetections: 3, candidateDetections: 2 });
  if (found.kind !== 'detect') return;
  closeTo(t, [found.recall, found.f1, found.agreement], [2 / 3, 0.8, 0.8], 1e-12);
  // Three quarters of a box in five quarters of one.
  closeTo(t, [found.meanIou!, found.meanScoreDifference!], [3 / 5, 1 / 16], 1e-5);
  t.throws(() => requireAgreement(found, 0.9), { message: /to 0\.8000, below the accuracy_floor of 0\.9/ });
});
