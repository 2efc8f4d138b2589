import test, { type ExecutionContext } from 'ava';
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { ServingError } from '../../server/core/errors.js';
import { modelConfigSchema, type ModelConfig } from '../../server/core/model-config.js';
import { node, makeModel, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import {
  writeCalibrationBatches,
  type CalibrationOptions,
} from '../../server/runtime/calibration/calibration-batches.js';
import { CpuInstance } from '../../server/runtime/cpu-instance.js';
import { loadNative, type WarpOptions } from '../../server/runtime/native.js';
import { Random } from '../native/random.js';
import { encode, plain } from '../support/pictures.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const PREPROCESS = { color: 'bgr', pad: 114, scale: 1 / 127, mean: [0.5, 0.4, 0.3], std: [0.25, 0.5, 0.75] } as const;
const SIZE = { width: 12, height: 8 };
const ROW = 3 * SIZE.width * SIZE.height;
const EMBEDDER = modelConfigSchema.parse({
  task: 'embedding',
  input: SIZE,
  max_batch_size: 3,
  preprocess: PREPROCESS,
  postprocess: { normalize: false },
});
const DETECTOR = modelConfigSchema.parse({ task: 'centerface', input: SIZE, preprocess: PREPROCESS });

/** Random pixels of a size of its own. */
function noise(seed: number) {
  const random = new Random(seed);
  const picture = plain(random.integer(5, 40), random.integer(5, 40), [0, 0, 0]);
  return { ...picture, data: random.bytes(picture.data.length) };
}

/** Writes pictures 0 to `count` - 1, in directories and formats of all kinds. */
async function writePictures(scratch: ScratchDirectory, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const format = (['png', 'jpeg', 'webp'] as const)[index % 3]!;
    const ending = index % 6 === 1 ? 'JPG' : format;
    await scratch.write(join(`part-${index % 2}`, `${index}.${ending}`), await encode(noise(index + 1), format));
  }
}

async function write(scratch: ScratchDirectory, options: Partial<CalibrationOptions> = {}) {
  const file = join(scratch.path, 'batches.f32');
  const result = await writeCalibrationBatches({
    directory: scratch.path,
    config: EMBEDDER,
    maxPictures: 100,
    batchSize: 4,
    heldBack: 0,
    file,
    maxPicturePixels: 2 ** 20,
    ...options,
  });
  const bytes = await readFile(options.file ?? file);
  return { ...result, values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

/** The row of a picture: its pixels as sharp reads them, warped here, by the formulas of the letterbox. */
async function expectedRow(path: string, config: ModelConfig, reduction = 1): Promise<Float32Array> {
  const image = sharp(path);
  const { width, height } = await image.metadata();
  const small = reduction === 1 ? image : image.resize(width / reduction, height / reduction, { fit: 'fill' });
  const { data, info } = await small.raw().toBuffer({ resolveWithObject: true });
  const { input, preprocess } = config;
  const scale = Math.max(info.width / input.width, info.height / input.height);
  const shift = (from: number, to: number) => (from - 1) / 2 - (scale * (to - 1)) / 2;
  const options: WarpOptions = {
    matrix: [scale, 0, shift(info.width, input.width), 0, scale, shift(info.height, input.height)],
    ...input,
    border: 'constant',
    pad: preprocess.pad,
    window: null,
    area: null,
    focus: false,
    normalization: preprocess,
    threads: 1,
  };
  const out = new Float32Array(3 * input.width * input.height);
  const source = { data, format: 'rgb8', width: info.width, height: info.height, stride: info.width * 3 } as const;
  loadNative().warpNormalize(source, options, out, 0);
  return out;
}

const rowOf = (values: Float32Array, row: number) => values.subarray(row * ROW, (row + 1) * ROW);
const hex = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');

/** The pictures of the rows, by name: each row is the very bits of one. */
async function namesOf(t: ExecutionContext, scratch: ScratchDirectory, values: Float32Array): Promise<string[]> {
  const all = await readdir(scratch.path, { recursive: true, withFileTypes: true });
  const files = all.filter(({ name }) => /\.(png|jpeg|JPG|webp)$/.test(name));
  const byBits = new Map<string, string>();
  for (const { parentPath, name } of files) {
    const bits = await expectedRow(join(parentPath, name), EMBEDDER).then(hex, () => name);
    byBits.set(bits, name);
  }
  return Array.from({ length: values.length / ROW }, (_, row) => {
    const name = byBits.get(hex(rowOf(values, row)));
    t.not(name, undefined, `row ${row} is none of the pictures`);
    return name ?? '';
  });
}

test('every row is a picture decoded, sampled and normalised, bit for bit, and none is left out', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 12);
  const { values, heldBack, skipped, rows, pictures } = await write(scratch);
  t.deepEqual([rows, pictures, heldBack, skipped], [12, 12, [], []]);
  const names = await namesOf(t, scratch, values);
  t.is(new Set(names).size, 12);
});

test('the rows are what an instance on the CPU gives the model, bit for bit', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 6);
  const model = makeModel({
    name: 'input as output',
    nodes: [node('Flatten', ['input'], ['embedding'])],
    inputs: [valueInfo('input', ['batch', 3, SIZE.height, SIZE.width])],
    outputs: [valueInfo('embedding', ['batch', ROW])],
  });
  const modelFile = await scratch.write('model.onnx', encodeModel(model));
  const placement = { kind: 'cpu', threads: 2 } as const;
  await using instance = await CpuInstance.create(
    { modelFile, config: EMBEDDER, labels: 0, placement, maxPicturePixels: 2 ** 20 },
    2,
  );
  const { values } = await write(scratch, { batchSize: 1 });
  const names = await namesOf(t, scratch, values);
  const files = await Promise.all(
    names.map((name) => readFile(join(scratch.path, `part-${Number.parseInt(name, 10) % 2}`, name))),
  );
  const served = await instance.execute(
    files.map((bytes) => ({ content: { kind: 'encoded', bytes }, parameters: { kind: 'embed', regions: [] } })),
  );
  t.is(hex(values), hex(served.values));
});

test("a detector's large JPEG is decoded smaller, as it is when it is served", async (t) => {
  await using scratch = await ScratchDirectory.create();
  const large = { ...plain(96, 64, [0, 0, 0]), data: new Random(5).bytes(96 * 64 * 3) };
  const path = await scratch.write('large.jpeg', await encode(large, 'jpeg'));
  const { values } = await write(scratch, { config: DETECTOR, batchSize: 1 });
  t.is(hex(values), hex(await expectedRow(path, DETECTOR, 8)));
  const whole = await write(scratch, { batchSize: 1 });
  t.is(hex(whole.values), hex(await expectedRow(path, EMBEDDER)));
});

test('a last batch is filled up with the first pictures, from the file and from itself', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 6);
  const several = await write(scratch);
  t.deepEqual([several.rows, several.pictures], [8, 6]);
  t.deepEqual(
    [6, 7].map((row) => hex(rowOf(several.values, row))),
    [0, 1].map((row) => hex(rowOf(several.values, row))),
  );
  const few = await write(scratch, { batchSize: 16, maxPictures: 6 });
  t.deepEqual([few.rows, few.pictures], [16, 6]);
  for (let row = 6; row < 16; row++) t.is(hex(rowOf(few.values, row)), hex(rowOf(few.values, row % 6)), `row ${row}`);
});

test('pictures that are held back are not calibrated with', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 20);
  const { heldBack, values, pictures } = await write(scratch, { heldBack: 3, batchSize: 1 });
  t.is(heldBack.length, 3);
  t.is(pictures, 17);
  const used = new Set(await namesOf(t, scratch, values));
  t.deepEqual(
    heldBack.filter((path) => used.has(basename(path))),
    [],
  );
});

test('of few pictures a fifth is held back, and one at least, but never all', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const held = async () => (await write(scratch, { heldBack: 50, batchSize: 1 })).heldBack.length;
  await writePictures(scratch, 1);
  t.is(await held(), 0);
  await writePictures(scratch, 2);
  t.is(await held(), 1);
  await writePictures(scratch, 12);
  t.is(await held(), 2);
});

test('fewer pictures than there are are spread over all of them, the same every time, others with another seed', async (t) => {
  await using scratch = await ScratchDirectory.create();
  for (let index = 0; index < 32; index++) {
    const name = `${String(index).padStart(2, '0')}.png`;
    await scratch.write(name, await encode(noise(index + 1), 'png'));
  }
  const taken = async (seed: number) => {
    const { values } = await write(scratch, { maxPictures: 4, batchSize: 1, seed });
    return (await namesOf(t, scratch, values)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
  };
  t.deepEqual(await taken(0), [0, 8, 16, 24]);
  t.deepEqual(await taken(0), [0, 8, 16, 24]);
  t.deepEqual(await taken(3), [3, 11, 19, 27]);
});

test('pictures that cannot be read are skipped, told of, and replaced by others', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 7);
  const broken = await scratch.write(join('part-0', '00.png'), 'no picture');
  const drawing = await scratch.write('drawing.webp', '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
  const { skipped, pictures, values } = await write(scratch, { batchSize: 1 });
  t.is(pictures, 7);
  t.deepEqual(skipped.map(({ path }) => path).sort(), [broken, drawing].sort());
  t.true(skipped.every(({ reason }) => reason.startsWith('the picture cannot be decoded')));
  t.is(new Set(await namesOf(t, scratch, values)).size, 7);
});

test('a directory without a readable picture is refused with what to do, and leaves no file', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const refused = async (options: Partial<CalibrationOptions> = {}) => {
    const error = await t.throwsAsync(write(scratch, options), { instanceOf: ServingError });
    t.is((error as ServingError).code, 'CONFIG_INVALID');
    return error?.message ?? '';
  };
  t.regex(await refused(), /holds no file that ends in .*; put 500 pictures or more there/);
  t.regex(await refused({ directory: join(scratch.path, 'gone') }), /gone cannot be read: ENOENT/);
  await scratch.write('broken.png', 'no picture');
  t.regex(await refused(), /1 cannot be read, as .*broken\.png: the picture cannot be decoded/);
  await scratch.write('sound.png', await encode(noise(1), 'png'));
  t.regex(await refused({ heldBack: 1 }), /1 are held back to compare models on/);
  t.deepEqual((await readdir(scratch.path)).sort(), ['broken.png', 'sound.png']);
});

test('a calibration that is called off ends, and leaves no file', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 6);
  const signal = AbortSignal.abort(new Error('called off'));
  await t.throwsAsync(write(scratch, { signal }), { message: 'called off' });
  const controller = new AbortController();
  const config: ModelConfig = {
    ...EMBEDDER,
    // Read for every picture: called off in the middle of the writing.
    get preprocess() {
      controller.abort(new Error('called off later'));
      return EMBEDDER.preprocess;
    },
  };
  await t.throwsAsync(write(scratch, { config, signal: controller.signal }), { message: 'called off later' });
  t.deepEqual((await readdir(scratch.path)).sort(), ['part-0', 'part-1']);
});

test('the digest changes with a name, a content and a picture more, and with nothing else', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await writePictures(scratch, 3);
  const digest = async () => (await write(scratch)).sha256;
  const first = await digest();
  t.regex(first, /^[0-9a-f]{64}$/);
  await scratch.write('notes.txt', 'not a picture');
  t.is(await digest(), first);
  const seen = new Set([first]);
  await scratch.write(join('part-0', '0.png'), await encode(noise(9), 'png'));
  seen.add(await digest());
  await scratch.write(join('part-0', '3.png'), await encode(noise(9), 'png'));
  seen.add(await digest());
  t.is(seen.size, 3);
});
