import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import type { Box } from '../../server/gen/sluice/v1/inference.js';
import { all } from '../support/ask.js';
import { landmarksRegion } from '../support/messages.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { drawScenes, TRAINED_MODELS } from '../support/trained-models.js';

/** Pipelines of our own models: the README's, which finds, aligns, embeds, follows and draws faces; and falls. */

let serving: Serving;
let scratch: ScratchDirectory;

test.before(async () => {
  scratch = await ScratchDirectory.create();
  drawScenes(scratch.path, 'faces');
  serving = await Serving.start(async (repository) => {
    for (const name of ['faces', 'scrfd', 'arcface', 'yolov8_pose', 'fall']) {
      await cp(join(TRAINED_MODELS, name), join(repository.directory, name), { recursive: true });
    }
    const stages = [
      { name: 'find', model: 'yolov8_pose' },
      { name: 'judge', model: 'fall', input: 'find' },
    ];
    await repository.configure('falls', { task: 'pipeline', pipeline: { stages } });
  });
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

/** A scene of faces, moved a little from frame to frame. */
async function video(frames: number): Promise<Uint8Array[]> {
  const scene = await readFile(join(scratch.path, 'faces', '0003.png'));
  const { width, height } = await sharp(scene).metadata();
  return Promise.all(
    Array.from({ length: frames }, (_, index) =>
      sharp(scene)
        .extend({ left: 2 * index, right: 40 - 2 * index, top: 4, bottom: 4, background: '#404040' })
        .resize(width + 40, height + 8)
        .png()
        .toBuffer(),
    ),
  );
}

test('embeddings of a pipeline are those of its models called one by one', async (t) => {
  const [picture] = await video(1);
  const [piped] = await all(serving.client.detect([{ picture: picture! }], { model: 'faces' }));
  t.is(piped?.frame?.error, undefined);
  t.true(piped!.detections.length > 0);
  const regions = piped!.detections.map(({ landmarks }) => landmarksRegion(landmarks.flatMap(({ x, y }) => [x, y])));
  const [alone] = await all(serving.client.embed([{ picture: picture!, regions }], { model: 'arcface' }));
  piped!.detections.forEach(({ embedding }, index) => {
    const expected = alone!.embeddings[index]!.values;
    const worst = Math.max(...embedding!.values.map((value, place) => Math.abs(value - expected[place]!)));
    t.true(worst < 1e-5, `face ${index} differs by ${worst}`);
  });
  t.deepEqual(
    piped!.stages.map(({ name, error }) => [name, error]),
    [
      ['find', undefined],
      ['identify', undefined],
    ],
  );
});

test('faces keep their tracks while they move, and are drawn', async (t) => {
  const pictures = await video(12);
  const frames = pictures.map((picture) => ({ picture }));
  const answers = await all(serving.client.detect(frames, { model: 'faces', annotate: true, window: 4 }));
  const settled = answers.slice(4);
  const ids = settled.map(({ detections }) => detections.map(({ track }) => Number(track?.id ?? 0)));
  t.true(ids[0]!.length > 0 && ids[0]!.every((id) => id > 0), JSON.stringify(ids));
  // Best score first: who is where in the list may change, who there is may not.
  for (const frame of ids) t.deepEqual(new Set(frame), new Set(ids[0]));
  for (const { annotated, frame } of answers) {
    const metadata = await sharp(annotated).metadata();
    t.like(metadata, { format: 'jpeg', width: frame!.width, height: frame!.height });
  }
});

test('people are found, and whether they stand or have fallen is read from their key points', async (t) => {
  drawScenes(scratch.path, 'people');
  const directory = join(scratch.path, 'people');
  const scenes = JSON.parse(await readFile(join(directory, 'truth.json'), 'utf8')) as PeopleScene[];
  const frames = await Promise.all(
    scenes.map(async ({ file }) => ({ picture: await readFile(join(directory, file)) })),
  );
  const answers = await all(serving.client.detect(frames, { model: 'falls', window: 16, scoreThreshold: 0.5 }));
  let people = 0;
  let right = 0;
  answers.forEach(({ frame, detections }, index) => {
    t.is(frame?.error, undefined);
    for (const { box, classification } of detections) {
      const { boxes, states } = scenes[index]!;
      const state = states[boxes.findIndex((own) => overlap(own, box!) > 0.7)];
      if (state === undefined) continue;
      people += 1;
      if (classification?.classes[0]?.classId === state) right += 1;
    }
  });
  t.true(people > 150, `${people} people were found`);
  t.true(right / people > 0.9, `${right} of ${people} are right`);
});

interface PeopleScene {
  readonly file: string;
  readonly boxes: readonly (readonly [number, number, number, number])[];
  /** Of each person, as the labels of test/models/fall count them. */
  readonly states: readonly number[];
}

/** Intersection over union. */
function overlap([left, top, right, bottom]: PeopleScene['boxes'][number], box: Box): number {
  const width = Math.min(right, box.right) - Math.max(left, box.left);
  const height = Math.min(bottom, box.bottom) - Math.max(top, box.top);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / ((right - left) * (bottom - top) + (box.right - box.left) * (box.bottom - box.top) - common);
}
