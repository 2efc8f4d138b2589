import test from 'ava';
import sharp from 'sharp';
import { all } from '../support/ask.js';
import type { Serving } from '../support/serving.js';
import { addCatalogModel, facePictures, FP16, ON_GPU, startGpuServing } from './gpu-serving.js';
import { faceReferences, sameFaces, type FaceReference } from './same-faces.js';

/** A broken JPEG in a full batch fails alone. */

const MOST = 8;
const BROKEN_PLACE = 3;

let serving: Serving;
let jpegs: Buffer[];
let references: FaceReference[];

test.before(async () => {
  const pictures = (await facePictures()).slice(0, MOST);
  jpegs = await Promise.all(pictures.map((picture) => sharp(picture).jpeg({ quality: 92 }).toBuffer()));
  serving = await startGpuServing((repository) =>
    addCatalogModel(repository, 'centerface', 'faces', {
      ...ON_GPU,
      max_batch_size: MOST,
      tensorrt: FP16,
      dynamic_batching: { max_queue_delay_microseconds: 300_000 },
    }),
  );
  references = await faceReferences(serving.client, 'faces', jpegs);
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** The first part of it; the end is missing. */
const truncated = (jpeg: Buffer) => jpeg.subarray(0, jpeg.length >> 1);

/** With markers among the pixels that cannot be there. */
function interrupted(jpeg: Buffer): Buffer {
  const broken = Buffer.from(jpeg);
  for (let at = 0; at < 64; at += 2) broken.set([0xff, 0xc1], (jpeg.length >> 1) + at);
  return broken;
}

/** A JPEG's first bytes and nothing like one behind them. */
const impostor = () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5000, 7)]);

for (const [what, breakJpeg] of [
  ['cut off', truncated],
  ['interrupted by markers', interrupted],
  ['not one at all', impostor],
] as const) {
  test(`a JPEG that is ${what} fails alone in a full batch`, async (t) => {
    for (let turn = 0; turn < 3; turn++) {
      const frames = jpegs.map((jpeg, index) => ({ picture: index === BROKEN_PLACE ? breakJpeg(jpeg) : jpeg }));
      const answers = await all(serving.client.detect(frames, { model: 'faces', window: MOST, scoreThreshold: 0.3 }));
      t.is(answers.length, MOST);
      answers.forEach((answer, index) => {
        if (index === BROKEN_PLACE) {
          t.is(answer.frame?.error?.code, 'BAD_IMAGE');
          t.deepEqual(answer.detections, []);
        } else {
          // The batch may have been decoded on the CPU, or run with a row less.
          sameFaces(t, answer, references[index]!, { score: 0.05, leastIou: 0.95 }, `picture ${index}`);
          t.is(answer.frame?.timings?.batchSize, MOST);
        }
      });
    }
  });
}

test('pixels that decode to something else harm only their own picture', async (t) => {
  const frames = jpegs.map((jpeg, index) => {
    const changed = Buffer.from(jpeg);
    if (index === BROKEN_PLACE) for (let at = jpeg.length >> 1; at < jpeg.length - 2; at += 3) changed[at] = at % 251;
    return { picture: changed };
  });
  const answers = await all(serving.client.detect(frames, { model: 'faces', window: MOST, scoreThreshold: 0.3 }));
  t.is(answers.length, MOST);
  answers.forEach((answer, index) => {
    if (index !== BROKEN_PLACE) {
      sameFaces(t, answer, references[index]!, { score: 0.05, leastIou: 0.95 }, `picture ${index}`);
    }
  });
});
