import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import type { DetectResponse } from '../../server/gen/sluice/v1/inference.js';
import { askOracle } from '../oracle/oracle.js';
import { all, detectOne, embedOne } from '../support/ask.js';
import { closeTo } from '../support/close-to.js';
import { boxRegion } from '../support/messages.js';
import { fourFaces } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import type { Size } from '../support/spot-pictures.js';

/** The models of the catalogue on the astronaut's picture, against Python on the same files. */

const MODELS = 'model-repo';
const CENTERFACE = join(MODELS, 'centerface', '1', 'model.onnx');
const REID = join(MODELS, 'reid', '1', 'model.onnx');

const INPUTS = {
  'face-640': { width: 640, height: 640 },
  'face-320': { width: 320, height: 320 },
  'face-wide': { width: 640, height: 384 },
} as const;

let serving: Serving;
let astronaut: Buffer;

test.before(async () => {
  astronaut = await readFile(join(MODELS, '.samples', 'astronaut.png'));
  const [centerface, reid] = [await readFile(CENTERFACE), await readFile(REID)];
  const config = async (name: string) => readFile(join(MODELS, name, 'config.yaml'), 'utf8');
  serving = await Serving.start(async (repository) => {
    for (const [name, input] of Object.entries(INPUTS)) {
      await repository.addModel(name, { task: 'centerface', input, instance_group: { count: 1 } }, centerface);
    }
    await repository.write(join('centerface', 'labels.txt'), await readFile(join(MODELS, 'centerface', 'labels.txt')));
    await repository.addModel('centerface', await config('centerface'), centerface);
    await repository.addModel('reid', await config('reid'), reid);
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** The pixels of a file, RGB. */
async function pixels(file: Buffer): Promise<RawPixels> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width: info.width, height: info.height, data };
}

/** Values of a row of the reference: number of the face, left top right bottom score, x y of five landmarks. */
const COLUMNS = 16;

/** How far a score may be from Python's. */
const SCORE_TOLERANCE = 0.005;

/** The faces that Python finds, each as the rows that are as good as the best one. */
function reference(input: Size, pictures: readonly RawPixels[], tie = SCORE_TOLERANCE): number[][][][] {
  const found = askOracle<Float64Array[]>('centerface_reference.py', {
    model: CENTERFACE,
    ...input,
    scoreThreshold: 0.5,
    nmsThreshold: 0.3,
    tie,
    pictures: pictures.map(({ width, height, data }) => ({ width, height, data: new Uint8Array(data) })),
  });
  return found.map((values) => {
    const faces: number[][][] = [];
    for (let at = 0; at < values.length; at += COLUMNS) {
      (faces[values[at]!] ??= []).push(Array.from(values.subarray(at + 1, at + COLUMNS)));
    }
    return faces;
  });
}

/** Passes when there is one detection for each face, and each is one of the rows of its face. */
function sameFaces(
  t: ExecutionContext,
  { frame, detections }: DetectResponse,
  faces: readonly (readonly (readonly number[])[])[],
  tolerance = 0.5,
  scoreTolerance = SCORE_TOLERANCE,
): void {
  t.is(frame?.error, undefined);
  t.is(detections.length, faces.length);
  const taken = new Set<number>();
  for (const { box, score, landmarks } of detections) {
    const { left, top, right, bottom } = box!;
    const places = [left, top, right, bottom, ...landmarks.flatMap(({ x, y }) => [x, y])];
    const fits = (row: readonly number[]): boolean =>
      Math.abs(row[4]! - score) <= scoreTolerance &&
      row.filter((_, column) => column !== 4).every((place, index) => Math.abs(place - places[index]!) <= tolerance);
    const face = faces.findIndex((rows, index) => !taken.has(index) && rows.some(fits));
    t.not(face, -1, `${JSON.stringify([score, ...places])} is none of ${JSON.stringify(faces)}`);
    taken.add(face);
  }
}

test("the astronaut's face is found where the catalogue's model is known to find it", async (t) => {
  const answer = await detectOne(serving.client, { picture: astronaut }, { model: 'centerface' });
  t.deepEqual([answer.frame?.width, answer.frame?.height], [512, 512]);
  t.is(answer.detections.length, 1);
  const { box, score, label, landmarks } = answer.detections[0]!;
  // Two cells, one above the other, are as good as each other.
  closeTo(t, [box!.left, box!.top, box!.right, box!.bottom], [180, 60, 271, 177], 3);
  closeTo(t, [score], [0.91], 0.005);
  t.is(label, 'face');
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks;
  t.true(leftEye!.x < nose!.x && nose!.x < rightEye!.x && leftMouth!.x < rightMouth!.x);
  t.true(leftEye!.y < nose!.y && nose!.y < leftMouth!.y);
  sameFaces(t, answer, reference(INPUTS['face-640'], [await pixels(astronaut)])[0]!);
});

for (const [model, input] of Object.entries(INPUTS)) {
  test(`${model} finds what Python finds in pictures of several sizes and shapes`, async (t) => {
    const scaled = (width: number) => sharp(astronaut).resize(width).png().toBuffer();
    const padded = (sides: Parameters<ReturnType<typeof sharp>['extend']>[0]) =>
      sharp(astronaut)
        .extend({ background: '#304050', ...(sides as object) })
        .png()
        .toBuffer();
    const files = [
      astronaut,
      await scaled(640),
      await scaled(400),
      await scaled(1000),
      await padded({ left: 300 }),
      await padded({ bottom: 400, left: 37 }),
      await padded({ top: 111, right: 900 }),
      await sharp(astronaut).extract({ left: 100, top: 0, width: 300, height: 431 }).png().toBuffer(),
      await sharp(astronaut).extract({ left: 0, top: 250, width: 200, height: 200 }).png().toBuffer(),
    ];
    const pictures = await Promise.all(files.map(pixels));
    const expected = reference(input, pictures);
    const answers = await all(
      serving.client.detect(
        files.map((picture) => ({ picture })),
        { model },
      ),
    );
    t.is(answers.length, files.length);
    answers.forEach((answer, index) => sameFaces(t, answer, expected[index]!));
    const raw = await all(
      serving.client.detect(
        pictures.map((picture) => ({ picture })),
        { model },
      ),
    );
    raw.forEach((answer, index) => t.deepEqual(answer.detections, answers[index]!.detections));
    t.true(expected.filter((faces) => faces.length === 1).length >= 7, 'most of them have one face');
    t.is(expected.at(-1)!.length, 0, 'and one has none');
  });
}

test('several faces in one picture are all found', async (t) => {
  const file = await fourFaces(astronaut);
  const answer = await detectOne(serving.client, { picture: file }, { model: 'face-640' });
  t.is(answer.detections.length, 4);
  sameFaces(t, answer, reference(INPUTS['face-640'], [await pixels(file)])[0]!);
});

test('a large JPEG, decoded smaller, shows the same face as its pixels', async (t) => {
  const widths = [1280, 1301, 2600];
  const jpegs = await Promise.all(
    widths.map((width) => sharp(astronaut).resize(width).jpeg({ quality: 97, chromaSubsampling: '4:4:4' }).toBuffer()),
  );
  // Decoding smaller averages what the network input would only sample: scores move a little.
  const expected = reference(INPUTS['face-640'], await Promise.all(jpegs.map(pixels)), 0.03);
  const answers = await all(
    serving.client.detect(
      jpegs.map((picture) => ({ picture })),
      { model: 'face-640' },
    ),
  );
  answers.forEach((answer, index) => {
    const width = widths[index]!;
    t.deepEqual([answer.frame?.width, answer.frame?.height], [width, width]);
    sameFaces(t, answer, expected[index]!, width / 640, 0.03);
  });
});

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, index) => sum + value * b[index]!, 0);

test('embeddings of the whole picture and of boxes are those that Python computes', async (t) => {
  const picture = await pixels(astronaut);
  const boxes = [
    { left: 0, top: 0, right: 512, bottom: 512 },
    { left: 180, top: 58, right: 271, bottom: 176 },
    { left: 0, top: 100, right: 60, bottom: 400 },
    { left: 300, top: 300, right: 512, bottom: 340 },
    { left: 400, top: 10, right: 411, bottom: 29 },
  ];
  const expected = askOracle<Float64Array[]>('reid_reference.py', {
    model: REID,
    width: picture.width,
    height: picture.height,
    data: new Uint8Array(picture.data),
    boxes,
  });
  const regions = boxes.map(({ left, top, right, bottom }) => boxRegion(left, top, right, bottom));
  const whole = await embedOne(serving.client, { picture: astronaut }, { model: 'reid' });
  const parts = await embedOne(serving.client, { picture: astronaut, regions }, { model: 'reid' });
  t.is(parts.embeddings.length, boxes.length);
  t.true(cosine(whole.embeddings[0]!.values, expected[0]!) > 0.999, 'the whole picture');
  parts.embeddings.forEach(({ values, error }, index) => {
    t.is(error, undefined);
    t.is(values.length, 1280);
    t.true(Math.abs(Math.hypot(...values) - 1) < 1e-4);
    const similarity = cosine(values, expected[index]!);
    t.true(similarity > 0.999, `box ${index}: ${similarity}`);
  });
  t.true(cosine(parts.embeddings[1]!.values, parts.embeddings[3]!.values) < 0.9, 'different parts differ');
});
