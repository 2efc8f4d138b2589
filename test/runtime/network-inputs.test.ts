import test from 'ava';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PixelFormat } from '../../clients/typescript/sluice-client.js';
import type { ModelConfig } from '../../server/core/model-config.js';
import type { Picture, Region } from '../../server/core/picture.js';
import { writeCalibrationBatches } from '../../server/runtime/calibration/calibration-batches.js';
import { CpuInstance } from '../../server/runtime/cpu-instance.js';
import { RowPlanner } from '../../server/runtime/frame-batch.js';
import { loadNative } from '../../server/runtime/native.js';
import { encode } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { makeConfig } from '../support/requests.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { mirrorModel } from '../support/tiny-models.js';

const SIDE = 4;
const random = new Random(41);
/** Levels of a picture of SIDE x SIDE, interleaved. */
const LEVELS = Uint8Array.from({ length: 3 * SIDE * SIDE }, () => random.int(0, 255));

const level = (x: number, y: number, color: number) => LEVELS[3 * (SIDE * y + x) + color]!;

function embedder(preprocess: Readonly<Record<string, unknown>>, side = SIDE): ModelConfig {
  const input = { width: side, height: side };
  return makeConfig({ task: 'embedding', input, preprocess, postprocess: { normalize: false } });
}

/** What an instance with the model feeds it of the picture. */
async function fed(model: Uint8Array, config: ModelConfig): Promise<{ values: number[]; notes: readonly string[] }> {
  await using scratch = await ScratchDirectory.create();
  const modelFile = await scratch.write('model.onnx', model);
  const placement = { kind: 'cpu', threads: 1 } as const;
  await using instance = await CpuInstance.create(
    { modelFile, config, labels: 0, placement, maxPicturePixels: 100 },
    1,
  );
  const picture: Picture = {
    kind: 'raw',
    bytes: LEVELS.slice(),
    format: 'rgb8',
    width: SIDE,
    height: SIDE,
    stride: 3 * SIDE,
  };
  const { values } = await instance.execute([{ content: picture, parameters: { kind: 'embed', regions: [] } }]);
  return { values: [...values], notes: instance.notes };
}

/** What a model behind a Focus layer has to be fed, in blue, green and red. */
function focused(): number[] {
  const values: number[] = [];
  for (const [x, y] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    for (const color of [2, 1, 0]) {
      for (const row of [0, 2]) for (const column of [0, 2]) values.push(level(column + x, row + y, color));
    }
  }
  return values;
}

test('a model behind a Focus layer is fed every second column and row as channels', async (t) => {
  const { values } = await fed(mirrorModel([12, 2, 2]), embedder({ color: 'bgr', focus: true }));
  t.deepEqual(values, focused());
});

test('a model whose Focus layer is still there is refused when the configuration cuts it off', async (t) => {
  await t.throwsAsync(fed(mirrorModel([3, 4, 4]), embedder({ focus: true })), {
    code: 'MODEL_INVALID',
    message: /model\.onnx: Input 'input' has 3 channels .* would be fed 12: .*preprocess\.focus to false/,
  });
  await t.throwsAsync(fed(mirrorModel([12, 2, 2]), embedder({})), {
    code: 'MODEL_INVALID',
    message: /has 12 channels .* would be fed 3: .*set preprocess\.focus to true/,
  });
});

test('a model of one channel is fed brightness', async (t) => {
  const { values } = await fed(mirrorModel([1, 4, 4]), embedder({ color: 'gray', mean: [10, 10, 10], std: [2, 2, 2] }));
  values.forEach((value, index) => {
    const at = (color: number) => level(index % SIDE, Math.floor(index / SIDE), color);
    t.true(Math.abs(value - (0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2) - 10) / 2) <= 0.2501, `${value}`);
  });
});

test('an NHWC model gets the pixels as it expects them, and operators are told', async (t) => {
  const { values, notes } = await fed(mirrorModel([4, 4, 3]), embedder({}));
  t.deepEqual(values, [...LEVELS]);
  t.regex(notes.join('\n'), /NHWC \[batch, 4, 4, 3\] -> NCHW, by a Transpose/);
});

test('what int8 is calibrated with lies as the model is fed it', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const picture = { format: PixelFormat.PIXEL_FORMAT_RGB8, width: SIDE, height: SIDE, data: LEVELS };
  await scratch.write('pictures/one.png', await encode(picture, 'png'));
  const file = join(scratch.path, 'batches.f32');
  await writeCalibrationBatches({
    directory: join(scratch.path, 'pictures'),
    config: embedder({ color: 'bgr', focus: true }),
    maxPictures: 1,
    batchSize: 1,
    heldBack: 0,
    file,
    maxPicturePixels: 100,
  });
  const bytes = await readFile(file);
  t.deepEqual([...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)], focused());
});

test('a named template puts the landmarks where ArcFace was trained to have them', (t) => {
  const eyes = { arcface_112: 38.2946, arcface_96x112: 30.2946 } as const;
  for (const [alignment, leftEye] of Object.entries(eyes)) {
    const input = { width: alignment === 'arcface_112' ? 112 : 96, height: 112 };
    const config = makeConfig({ task: 'embedding', input, preprocess: { alignment } });
    const points = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041];
    // The face is twice as large in the picture.
    const region: Region = { kind: 'landmarks', points: points.map((value) => 2 * value) };
    const frame = {
      parameters: { kind: 'embed', regions: [region] },
      picture: { width: 300, height: 300 },
      results: [],
    } as const;
    const [row] = new RowPlanner(config, loadNative()).plan({ ...frame, results: [], attachments: [] });
    const [a, b, c, d, e, f] = row!.sampling.toPicture;
    const at = [a * leftEye + b * 51.6963 + c, d * leftEye + e * 51.6963 + f];
    t.true(
      Math.abs(at[0]! - 2 * 38.2946) < 1e-3 && Math.abs(at[1]! - 2 * 51.6963) < 1e-3,
      `${alignment}: ${at.join()}`,
    );
  }
});
