import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { parse } from 'yaml';
import type { DetectResponse, RegionsFrame } from '../../clients/typescript/sluice-client.js';
import { all, detectOne, embedOne } from '../support/ask.js';
import { boxRegion, landmarksRegion } from '../support/messages.js';
import { fourFaces } from '../support/pictures.js';
import { pipelineOf } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** CenterFace and the re-identification model of the catalogue, one after the other, on the astronaut's photograph. */

/** Two eyes, the nose and the corners of the mouth, in the 224x224 of the embedder. */
const ALIGNMENT = [
  [76, 103],
  [147, 103],
  [112, 143],
  [83, 184],
  [141, 184],
];

let serving: Serving;
let photograph: Buffer;
let board: Buffer;

test.before(async () => {
  photograph = await readFile('model-repo/.samples/astronaut.png');
  board = await fourFaces(photograph);
  serving = await Serving.start(async (repository) => {
    for (const name of ['centerface', 'reid'] as const) {
      const directory = join('model-repo', name);
      const { labels: _, ...config } = parse(await readFile(join(directory, 'config.yaml'), 'utf8')) as {
        labels?: string;
        preprocess: object;
      };
      const preprocess = name === 'reid' ? { ...config.preprocess, alignment: ALIGNMENT } : config.preprocess;
      const changes = { preprocess, instance_group: { kind: 'KIND_CPU', count: 1 } };
      const file = await readFile(join(directory, '1', 'model.onnx'));
      await repository.addModel(name, { ...config, ...changes }, file);
    }
    const find = { name: 'find', model: 'centerface' };
    const embed = { name: 'embed', model: 'reid', input: 'find' };
    const tiles = { width: 400, height: 400 };
    // A machine that is busy with other tests may take its time.
    const tracker = { algorithm: 'bytetrack', idle_timeout_milliseconds: 600_000 };
    await repository.configure('boxes', pipelineOf([find, embed]));
    await repository.configure('aligned', pipelineOf([find, { ...embed, regions: 'landmarks' }]));
    await repository.configure('tiled', pipelineOf([{ ...find, tiles }, embed]));
    await repository.configure('followed', { ...pipelineOf([find, { ...embed, regions: 'landmarks' }]), tracker });
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** The embeddings that a client gets who sends the regions of the answer himself. */
async function separately(picture: Buffer, answer: DetectResponse, regions: 'box' | 'landmarks') {
  const frame: RegionsFrame = {
    picture,
    regions: answer.detections.map(({ box, landmarks }) =>
      regions === 'box'
        ? boxRegion(box!.left, box!.top, box!.right, box!.bottom)
        : landmarksRegion(landmarks.flatMap(({ x, y }) => [x, y])),
    ),
  };
  return (await embedOne(serving.client, frame, { model: 'reid' })).embeddings.map(({ values }) => values);
}

for (const [model, regions] of [
  ['boxes', 'box'],
  ['aligned', 'landmarks'],
] as const) {
  test(`each face has the embedding of its ${regions}, from files of both kinds`, async (t) => {
    for (const picture of [board, await sharp(board).jpeg({ quality: 95 }).toBuffer()]) {
      const answer = await detectOne(serving.client, { picture }, { model });
      t.is(answer.frame?.error, undefined);
      t.is(answer.detections.length, 4);
      const alone = await detectOne(serving.client, { picture }, { model: 'centerface' });
      t.deepEqual(
        answer.detections.map(({ box, score }) => [box, score]),
        alone.detections.map(({ box, score }) => [box, score]),
      );
      const found = answer.detections.map(({ embedding }) => embedding?.values ?? []);
      t.true(found.every((values) => values.length === 1280));
      t.deepEqual(found, await separately(picture, answer, regions));
    }
  });
}

test('tiles find the faces that are too small for the frame as a whole', async (t) => {
  const small = await sharp(photograph).resize(100).toBuffer();
  const crowd = sharp({ create: { width: 1500, height: 1000, channels: 3, background: '#304050' } });
  const places = Array.from({ length: 6 }, (_, index) => ({
    input: small,
    left: 60 + 500 * (index % 3),
    top: 200 + 480 * Math.floor(index / 3),
  }));
  const picture = await crowd.composite(places).png().toBuffer();
  const whole = await detectOne(serving.client, { picture }, { model: 'boxes' });
  const { frame, detections, stages } = await detectOne(serving.client, { picture }, { model: 'tiled' });
  t.is(frame?.error, undefined);
  t.is(detections.length, places.length);
  t.true(whole.detections.length < detections.length, `${whole.detections.length} without tiles`);
  for (const { left, top } of places) {
    const inside = detections.filter(({ box }) => {
      const [x, y] = [(box!.left + box!.right) / 2, (box!.top + box!.bottom) / 2];
      return x > left && x < left + 100 && y > top && y < top + 100;
    });
    t.is(inside.length, 1, `one at (${left}, ${top})`);
  }
  t.is(stages[1]?.regions, places.length);
});

test('a face that moves through a video keeps its id', async (t) => {
  const face = await sharp(photograph).extract({ left: 130, top: 20, width: 200, height: 220 }).toBuffer();
  const video = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const board = sharp({ create: { width: 640, height: 480, channels: 3, background: '#405060' } });
      const places = [
        { input: face, left: 20 + 5 * index, top: 10 },
        { input: face, left: 400 - 4 * index, top: 250 },
      ];
      return { id: String(index), picture: await board.composite(places).jpeg().toBuffer() };
    }),
  );
  const answers = await all(serving.client.detect(video, { model: 'followed', annotate: true }));
  t.true(answers.every(({ frame, detections }) => frame?.error === undefined && detections.length === 2));
  const ids = answers.map(({ detections }) =>
    [...detections].sort((a, b) => a.box!.top - b.box!.top).map(({ track }) => track?.id),
  );
  t.is(new Set(ids.at(-1)).size, 2);
  for (const at of ids.slice(3)) t.deepEqual(at, ids.at(-1)!);
  const sizes = await Promise.all(answers.slice(-3).map(({ annotated }) => sharp(annotated).metadata()));
  t.true(sizes.every(({ format, width, height }) => format === 'jpeg' && width === 640 && height === 480));
});
