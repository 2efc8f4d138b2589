import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { open, ServingError } from '../../server/local-model.js';
import { encode, spots } from '../support/pictures.js';
import { TestRepository } from '../support/test-repository.js';
import { colorsModel, meansModel, spotsModel } from '../support/tiny-models.js';
import { SIDE, TinyServer } from '../clients/tiny-server.js';

const input = { width: SIDE, height: SIDE };
const instance_group = { count: 2, kind: 'KIND_CPU' };

async function repository(): Promise<TestRepository> {
  const made = await TestRepository.create();
  await made.write('spots/labels.txt', 'spot\n');
  await made.addModel(
    'spots',
    { task: 'centerface', input, instance_group, labels: 'labels.txt' },
    spotsModel(SIDE, SIDE),
  );
  await made.addModel('means', { task: 'embedding', input, instance_group }, meansModel(SIDE, SIDE));
  return made;
}

/** A picture of one spot, brighter the higher `level`. */
const spot = (level: number) => encode(spots(SIDE, SIDE, [[20, 24, level]]), 'png');

/** What a call rejects with. */
async function rejection(call: Promise<unknown>): Promise<ServingError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ServingError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('a model in this process finds what a server finds', async (t) => {
  await using models = await repository();
  await using server = await TinyServer.start();
  using client = await SluiceClient.connect(server.address);
  await using model = await open(join(models.directory, 'spots'));
  const picture = await spot(230);
  const served = [];
  for await (const { detections } of client.detect([{ picture }], { model: 'spots' })) served.push(detections);
  const local = await model.detect(picture);
  t.is(local.detections.length, 1);
  t.deepEqual([local.detections], served);
  t.deepEqual([local.width, local.height], [SIDE, SIDE]);
  t.is(local.detections[0]?.label, 'spot');
});

test('a picture is segmented in this process', async (t) => {
  await using models = await repository();
  const config = { task: 'segmentation', input, instance_group, preprocess: { scale: 1 / 255 } };
  await models.addModel('colors', config, colorsModel(SIDE, SIDE, 'planes first'));
  await using model = await open(join(models.directory, 'colors'));
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) data[3 * pixel + 1] = 200;
  const picture = { format: 'rgb8', width: SIDE, height: SIDE, stride: 3 * SIDE, data } as const;
  const { classMap, probabilityMap, classes } = await model.segment(picture);
  t.deepEqual(classes, [{ classId: 1, label: '', pixels: SIDE * SIDE }]);
  t.like(await sharp(classMap).metadata(), { format: 'png', width: SIDE, height: SIDE });
  t.is(probabilityMap.length, 0);
  t.is((await rejection(model.detect(picture))).code, 'TASK_NOT_SUPPORTED');
});

test('pictures that are committed together are batched, each with its own answer, and stay the caller’s', async (t) => {
  await using models = await repository();
  await using model = await open(join(models.directory, 'spots'));
  const levels = Array.from({ length: 40 }, (_, index) => 160 + 2 * index);
  const pictures = await Promise.all(levels.map(spot));
  const before = pictures.map((picture) => Buffer.from(picture));
  const answers = await Promise.all(pictures.map((picture) => model.detect(picture)));
  answers.forEach(({ detections }, index) => {
    t.true(Math.abs(detections[0]!.score - levels[index]! / 255) < 0.01, `picture ${index}`);
  });
  t.true(answers.some(({ timings }) => timings.batchSize > 1));
  t.true(pictures.every((picture, index) => picture.equals(before[index]!)));
});

test('choices reach the decoder', async (t) => {
  await using models = await repository();
  await using model = await open(join(models.directory, 'spots'));
  const picture = await spot(180);
  t.is((await model.detect(picture, { scoreThreshold: 0.9 })).detections.length, 0);
  t.is((await model.detect(picture, { classIds: [3] })).detections.length, 0);
  t.is((await model.detect(picture)).detections.length, 1);
});

test('an embedder embeds pixels and regions, and a region that cannot be does not take the others along', async (t) => {
  await using models = await repository();
  await using model = await open(join(models.directory, 'means'));
  const data = new Uint8Array(SIDE * SIDE * 3).fill(90);
  const pixels = { format: 'rgb8', width: SIDE, height: SIDE, stride: SIDE * 3, data } as const;
  const whole = await model.embed(pixels);
  t.deepEqual(
    Array.from(whole.embeddings[0] as Float32Array, (value) => value.toFixed(4)),
    ['0.5774', '0.5774', '0.5774'],
  );
  const box = { kind: 'box', left: 0, top: 0, right: 20, bottom: 20 } as const;
  const { embeddings } = await model.embed(pixels, [box, { ...box, right: 0 }]);
  t.true(embeddings[0] instanceof Float32Array);
  t.is((embeddings[1] as ServingError).code, 'BAD_REGION');
});

test('what cannot be answered says why, and the model goes on', async (t) => {
  await using models = await repository();
  await using model = await open(join(models.directory, 'spots'));
  t.is((await rejection(model.detect(Buffer.from('no picture')))).code, 'BAD_IMAGE');
  t.is((await rejection(model.embed(await spot(200)))).code, 'TASK_NOT_SUPPORTED');
  t.is((await model.detect(await spot(200))).detections.length, 1);
});

test('what cannot be opened says why', async (t) => {
  await using models = await repository();
  const path = (name: string) => join(models.directory, name);
  t.is((await rejection(open(path('nobody')))).code, 'MODEL_NOT_FOUND');
  t.is((await rejection(open(path('spots'), { version: 7 }))).code, 'VERSION_NOT_FOUND');
  await models.configure('spots', { task: 'centerface' });
  t.is((await rejection(open(path('spots')))).code, 'CONFIG_INVALID');
});

test('the example prints the face of the sample picture', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/clients/typescript/in-process.js']);
  const [score] = stdout.split(' ');
  t.true(Math.abs(Number(score) - 0.91) < 0.005, stdout);
});
