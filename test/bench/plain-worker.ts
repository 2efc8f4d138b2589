import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodePicture } from '../../server/runtime/image-decoder.js';
import { loadNative } from '../../server/runtime/native.js';
import { atDecodedSize, samplePicture, type Affine } from '../../server/runtime/sampling.js';
import type { PlainDone, PlainOrder, PlainSpec } from './plain-messages.js';

/** A worker of PlainLoop: what a program without a server would do with the same operators, in one thread. */

const MAX_PIXELS = 1 << 26;
const MAX_DETECTIONS = 1000;

const { model, side, pictures } = workerData as PlainSpec;
const native = loadNative();
const session = await InferenceSession.create(model, {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
});
const size = { width: side, height: side };
const rowLength = 3 * side * side;
const detections = native.openDetections(
  {
    task: 'centerface',
    width: side,
    height: side,
    strides: [],
    anchors: [],
    keyPoints: 0,
    logits: false,
    labels: 0,
    nmsRule: 'greedy',
    classAgnostic: false,
    maxDetections: MAX_DETECTIONS,
  },
  [1, 2, 2, 10].map((planes, index) => ({ name: session.outputNames[index]!, shape: [planes, side / 4, side / 4] })),
);
const faces = new Float32Array(MAX_DETECTIONS * detections.columns);
let input = new Float32Array(0);
let next = 0;

/** Decodes a picture into row `row` of the input and tells how the network's pixels map to it. */
async function load(row: number): Promise<Affine> {
  const bytes = pictures[next++ % pictures.length]!;
  const picture = await decodePicture({ kind: 'encoded', bytes }, MAX_PIXELS, size);
  const { toPicture, border, area } = samplePicture(picture, size, { resize: 'letterbox', crop: { rule: 'none' } });
  const normalization = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const matrix = atDecodedSize(toPicture, picture, picture.pixels);
  const how = { border, pad: 0, window: null, area, focus: false, normalization, threads: 1 };
  const options = { matrix, width: side, height: side, ...how };
  native.warpNormalize(picture.pixels, options, input, row * rowLength);
  return toPicture;
}

/** Infers a batch and returns the number of faces in it. */
async function runBatch(batch: number): Promise<number> {
  if (input.length !== batch * rowLength) input = new Float32Array(batch * rowLength);
  const matrices = await Promise.all(Array.from({ length: batch }, (_, row) => load(row)));
  const feeds = { [session.inputNames[0]!]: new Tensor('float32', input, [batch, 3, side, side]) };
  const outputs = await session.run(feeds);
  const maps = session.outputNames.map((name) => outputs[name]!.data as Float32Array);
  let found = 0;
  matrices.forEach((matrix, row) => {
    const request = { matrix, scoreThreshold: 0.5, nmsThreshold: 0.3, maxDetections: MAX_DETECTIONS, classIds: null };
    found += detections.decode(maps, row, request, faces);
  });
  return found;
}

async function work({ batch, milliseconds }: PlainOrder): Promise<PlainDone> {
  const start = performance.now();
  let frames = 0;
  let found = 0;
  do {
    found += await runBatch(batch);
    frames += batch;
  } while (performance.now() - start < milliseconds);
  return { frames, milliseconds: performance.now() - start, faces: found };
}

parentPort!.on('message', (order: PlainOrder) => {
  void work(order).then((done) => parentPort!.postMessage(done));
});
parentPort!.postMessage('ready');
