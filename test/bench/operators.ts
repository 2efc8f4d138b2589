import { decodePicture } from '../../server/runtime/image-decoder.js';
import { loadNative } from '../../server/runtime/native.js';
import { atDecodedSize, samplePicture } from '../../server/runtime/sampling.js';
import { benchPictures } from './bench-pictures.js';
import { median } from './figures.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';

const PICTURE = { width: 1280, height: 720 };
const MAX_PIXELS = 1 << 26;
const NORMALIZATION = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;

const native = loadNative();

/** The work beside the model itself, one thread, operator by operator. */
export async function operators(report: Report, settings: Settings): Promise<void> {
  report.progress('operators');
  const [jpeg] = await benchPictures(PICTURE.width, PICTURE.height, 1);
  const picture = { kind: 'encoded', bytes: jpeg! } as const;
  const measured: readonly (readonly [figure: string, work: () => unknown])[] = [
    ['decode JPEG 1280x720', () => decodePicture(picture, MAX_PIXELS, null)],
    ['decode JPEG 1280x720 for 640x640', () => decodePicture(picture, MAX_PIXELS, { width: 640, height: 640 })],
    ['decode JPEG 1280x720 for 320x320', () => decodePicture(picture, MAX_PIXELS, { width: 320, height: 320 })],
    ['warpNormalize 1280x720 to 640x640', warp(640)],
    ['warpNormalize 1280x720 to 320x320', warp(320)],
    ['warpNormalize 1280x720 to 640x640, rounded', warp(640, { resize: 'letterbox_rounded' })],
    ['warpNormalize 1280x720 to 640x640, Focus', warp(640, { focus: true })],
    ['warpNormalize 1280x720 to 640x640, grey', warp(640, { color: 'gray' })],
    ['decodeCenterFace 160x160', decodeFaces(160)],
    ['decode centerface 640x640', decodeFaces(640)],
    ['decode yolov5 25200x85', decodeRows()],
    ['decode yolov8 84x8400', decodePlaces()],
    ['nms of 1000 boxes', suppress(1000)],
  ];
  for (const [figure, work] of measured) {
    const runs: number[] = [];
    await time(work, settings.operatorMilliseconds / 4);
    for (let run = 0; run < settings.repetitions; run++) runs.push(await time(work, settings.operatorMilliseconds));
    report.add({ bench: 'operators', figure, unit: 'ms', runs });
  }
}

/** The median of the milliseconds that calls take, one after the other for `atLeast` milliseconds. */
async function time(work: () => unknown, atLeast: number): Promise<number> {
  const end = performance.now() + atLeast;
  const calls: number[] = [];
  do {
    const start = performance.now();
    const pending = work();
    if (pending instanceof Promise) await pending;
    calls.push(performance.now() - start);
  } while (performance.now() < end);
  return median(calls);
}

interface WarpVariant {
  readonly resize?: 'letterbox' | 'letterbox_rounded';
  readonly focus?: boolean;
  readonly color?: 'rgb' | 'gray';
}

function warp(side: number, { resize = 'letterbox', focus = false, color = 'rgb' }: WarpVariant = {}): () => unknown {
  const { width, height } = PICTURE;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 7919) % 251);
  const pixels = { data, format: 'rgb8', width, height, stride: width * 3 } as const;
  const size = { width: side, height: side };
  const { toPicture, border, area } = samplePicture(PICTURE, size, { resize, crop: { rule: 'none' } });
  const matrix = atDecodedSize(toPicture, PICTURE, PICTURE);
  const normalization = { ...NORMALIZATION, color };
  const options = { matrix, ...size, border, pad: 0, window: null, area, focus, normalization, threads: 1 };
  const out = new Float32Array(3 * side * side);
  return () => native.warpNormalize(pixels, options, out, 0);
}

/** Maps in which one cell of 500 is a face. */
function decodeFaces(side: number): () => unknown {
  const cells = (side / 4) ** 2;
  return decode('centerface', side, [
    { shape: [1, side / 4, side / 4], value: (cell) => (cell % 500 === 0 ? 0.9 : 0.1) },
    { shape: [2, side / 4, side / 4], value: () => 2 },
    { shape: [2, side / 4, side / 4], value: () => 0 },
    { shape: [10, side / 4, side / 4], value: (index) => ((index % cells) % 10) / 10 },
  ]);
}

/** A hundred objects of 80 classes among 25,200 anchors, as rows with an objectness. */
function decodeRows(): () => unknown {
  const value = (index: number) => {
    const [anchor, column] = [Math.floor(index / 85), index % 85];
    if (column < 4) return column < 2 ? (anchor * 7919) % 600 : 40;
    return anchor % 252 === 0 && (column === 4 || column === 5 + (anchor % 80)) ? 0.9 : 0.01;
  };
  return decode('yolov5', 640, [{ shape: [25200, 85], value }]);
}

/** A hundred objects of 80 classes among 8,400 places, one value of all places after the other. */
function decodePlaces(): () => unknown {
  const value = (index: number) => {
    const [column, place] = [Math.floor(index / 8400), index % 8400];
    if (column < 4) return column < 2 ? (place * 7919) % 600 : 40;
    return place % 84 === 0 && column === 4 + (place % 80) ? 0.9 : 0.01;
  };
  return decode('yolov8', 640, [{ shape: [84, 8400], value }]);
}

interface BenchOutput {
  readonly shape: readonly number[];
  readonly value: (index: number) => number;
}

function decode(task: string, side: number, outputs: readonly BenchOutput[]): () => unknown {
  const spec = {
    task,
    width: side,
    height: side,
    strides: [],
    anchors: [],
    keyPoints: 0,
    logits: false,
    labels: 0,
    nmsRule: 'greedy',
    classAgnostic: false,
    maxDetections: 1000,
  } as const;
  const detections = native.openDetections(
    spec,
    outputs.map(({ shape }, index) => ({ name: `output${index}`, shape })),
  );
  const data = outputs.map(({ shape, value }) =>
    Float32Array.from({ length: shape.reduce((product, size) => product * size) }, (_, index) => value(index)),
  );
  const request = {
    matrix: [1, 0, 0, 0, 1, 0],
    scoreThreshold: 0.5,
    nmsThreshold: 0.3,
    maxDetections: 1000,
    classIds: null,
  };
  const out = new Float32Array(1000 * detections.columns);
  return () => detections.decode(data, 0, request, out);
}

/** Boxes of 40 pixels on a picture of 640x640, some of which overlap. */
function suppress(boxes: number): () => unknown {
  const rows = Array.from({ length: boxes }, (_, index) => {
    const [left, top] = [(index * 7919) % 600, (index * 104729) % 600];
    return [left, top, left + 40, top + 40, ((index * 31) % 997) / 997, 0];
  });
  const table = Float32Array.from(rows.flat());
  return () => native.nms(table, { rule: 'greedy', iouThreshold: 0.3 });
}
