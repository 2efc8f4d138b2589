import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { plain } from '../support/pictures.js';
import { toBgr, toGray, toNv12 } from '../support/raw-formats.js';
import type { Serving } from '../support/serving.js';
import { addCatalogModel, facePictures, FP16, FP32, ON_CPU, ON_GPU, pixelsOf, startGpuServing } from './gpu-serving.js';
import { faceReferences, facesIn, sameFaces, type FaceTolerance } from './same-faces.js';

/** CenterFace on the GPU beside the same file on the CPU, in one server. */

const EXACT: FaceTolerance = { score: 1e-3, pixels: 0.1 };
const HALF: FaceTolerance = { score: 0.02, leastIou: 0.98 };

let serving: Serving;
let pictures: Buffer[];

test.before(async () => {
  pictures = await facePictures();
  serving = await startGpuServing(async (repository) => {
    await addCatalogModel(repository, 'centerface', 'cpu', ON_CPU);
    await addCatalogModel(repository, 'centerface', 'fp32', { ...ON_GPU, tensorrt: FP32 });
    await addCatalogModel(repository, 'centerface', 'fp16', { ...ON_GPU, tensorrt: FP16 });
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Compares what a model finds with what the CPU finds in the same pictures; returns how many faces there were. */
async function compare(
  t: ExecutionContext,
  model: string,
  given: Parameters<typeof facesIn>[2],
  tolerance: FaceTolerance,
): Promise<number> {
  const references = await faceReferences(serving.client, 'cpu', given);
  const answers = await facesIn(serving.client, model, given);
  answers.forEach((answer, index) => sameFaces(t, answer, references[index]!, tolerance, `${model}, picture ${index}`));
  return references.reduce((sum, { faces }) => sum + faces.length, 0);
}

test('in fp32 faces are where the CPU finds them, to a tenth of a pixel', async (t) => {
  t.true((await compare(t, 'fp32', pictures, EXACT)) >= 11);
});

test('in fp16 faces are where the CPU finds them, to an overlap of 0.98', async (t) => {
  t.true((await compare(t, 'fp16', pictures, HALF)) >= 11);
});

test('every raw format shows the GPU what it shows the CPU', async (t) => {
  // Even sides, which NV12 needs; strides of their own.
  const picture = await pixelsOf(await sharp(pictures[0]).resize(500, 480).png().toBuffer());
  const { width } = picture;
  const formats = [
    picture,
    toBgr(picture),
    toBgr(picture, width * 3 + 5),
    toGray(picture),
    toGray(picture, width + 12),
    toNv12(picture),
    toNv12(picture, width + 12),
  ];
  t.is(await compare(t, 'fp32', formats, EXACT), formats.length, 'each of them shows one face');
});

test('a PNG, a lossless WebP and their pixels are the same picture', async (t) => {
  const webp = await sharp(pictures[0]).webp({ lossless: true }).toBuffer();
  const [png, fromWebp, raw] = await facesIn(serving.client, 'fp16', [
    pictures[0]!,
    webp,
    await pixelsOf(pictures[0]!),
  ]);
  t.is(png?.detections.length, 1);
  t.deepEqual(fromWebp?.detections, png?.detections);
  t.deepEqual(raw?.detections, png?.detections);
});

for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
  test(`a JPEG with ${chromaSubsampling} shows nearly the same as decoded on the CPU`, async (t) => {
    const files = await Promise.all(
      pictures.map((picture) => sharp(picture).jpeg({ quality: 90, chromaSubsampling }).toBuffer()),
    );
    const references = await faceReferences(serving.client, 'fp32', await Promise.all(files.map(pixelsOf)));
    const answers = await facesIn(serving.client, 'fp32', files);
    const tolerance = { score: 0.05, leastIou: 0.95 };
    answers.forEach((answer, index) => sameFaces(t, answer, references[index]!, tolerance, `picture ${index}`));
    const sizes = await Promise.all(files.map((file) => sharp(file).metadata()));
    t.deepEqual(
      answers.map(({ frame }) => [frame?.width, frame?.height]),
      sizes.map(({ width, height }) => [width, height]),
    );
  });
}

test('grey, progressive and turned JPEGs are shown as they are on the CPU', async (t) => {
  const photograph = sharp(pictures[0]);
  const files = [
    await photograph.clone().grayscale().jpeg({ quality: 95 }).toBuffer(),
    await photograph.clone().jpeg({ quality: 95, progressive: true }).toBuffer(),
    // Stored lying on its side.
    await photograph.clone().rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer(),
  ];
  t.is(await compare(t, 'fp32', files, { score: 0.05, leastIou: 0.95 }), files.length);
});

test('pictures without a face have none', async (t) => {
  const answers = await facesIn(serving.client, 'fp16', [plain(64, 48, [0, 0, 0]), plain(640, 640, [200, 180, 160])]);
  t.deepEqual(
    answers.map(({ detections }) => detections),
    [[], []],
  );
});
