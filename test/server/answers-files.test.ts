import test from 'ava';
import sharp from 'sharp';
import type { RawPixels } from '../../clients/typescript/sluice-client.js';
import { detectOne, embedOne } from '../support/ask.js';
import { closeTo, foundAt } from '../support/close-to.js';
import { encode, plain } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { Serving } from '../support/serving.js';
import { boxOf, cellsInside, lightCells, waves } from '../support/spot-pictures.js';
import { gridModel, spotsModel } from '../support/tiny-models.js';

const INPUT = { width: 64, height: 64 };
const PICTURE = { width: 128, height: 96 };

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const instances = { instance_group: { count: 1 } };
    await repository.addModel('spots', { task: 'centerface', input: INPUT, ...instances }, spotsModel(64, 64));
    await repository.addModel(
      'grid',
      { task: 'embedding', input: INPUT, postprocess: { normalize: false }, ...instances },
      gridModel(64, 64, 16),
    );
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

async function grid(picture: RawPixels | Uint8Array): Promise<readonly number[]> {
  const { frame, embeddings } = await embedOne(serving.client, { picture }, { model: 'grid' });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return embeddings[0]!.values;
}

function noise(width: number, height: number): RawPixels {
  const random = new Random(11);
  const picture = plain(width, height, [0, 0, 0]);
  for (let at = 0; at < picture.data.length; at++) picture.data[at] = random.int(0, 255);
  return picture;
}

function image({ data, width, height }: RawPixels, channels: 1 | 2 | 3 | 4 = 3) {
  return sharp(data, { raw: { width, height, channels } });
}

/** The picture with a fourth channel: opaque in the left half, see-through in the right one. */
function halfTransparent({ data, width, height }: RawPixels): Uint8Array {
  const rgba = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    rgba.set([...data.subarray(pixel * 3, pixel * 3 + 3), pixel % width < width / 2 ? 255 : 0], pixel * 4);
  }
  return rgba;
}

/** Stored so that `orientation`, applied, gives the picture: rows and columns of the file as EXIF defines them. */
function storedFor(orientation: number, { width, height, data, format }: RawPixels): RawPixels {
  const swapped = orientation >= 5;
  const stored = { width: swapped ? height : width, height: swapped ? width : height };
  const pixels = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [right, down] = [width - 1 - x, height - 1 - y];
      // Where the pixel (x, y) of the upright picture lies in the file: column, row.
      const places: readonly (readonly [number, number])[] = [
        [x, y],
        [right, y],
        [right, down],
        [x, down],
        [y, x],
        [y, right],
        [down, right],
        [down, x],
      ];
      const [column, row] = places[orientation - 1]!;
      const at = (y * width + x) * 3;
      pixels.set(data.subarray(at, at + 3), (row * stored.width + column) * 3);
    }
  }
  return { format, ...stored, data: pixels };
}

const cells = cellsInside(PICTURE, INPUT);
const lit = [cells[1]!, cells[37]!, cells.at(-1)!];
const red = lightCells(PICTURE, INPUT, lit);
const boxes = lit.map((cell) => boxOf(cell, PICTURE, INPUT));

for (const format of ['png', 'webp', 'jpeg'] as const) {
  test(`spots are found in a ${format} file`, async (t) => {
    const { frame, detections } = await detectOne(
      serving.client,
      { picture: await encode(red, format) },
      { model: 'spots' },
    );
    t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 128, 96]);
    foundAt(t, detections, boxes, 1e-3);
  });
}

test('a lossless file gives exactly what its pixels give', async (t) => {
  for (const [width, height] of [
    [64, 64],
    [97, 55],
  ] as const) {
    const picture = noise(width, height);
    const expected = await grid(picture);
    t.deepEqual(await grid(await encode(picture, 'png')), expected);
    t.deepEqual(await grid(await encode(picture, 'webp')), expected);
    t.deepEqual(await grid(await image(picture).png({ progressive: true }).toBuffer()), expected, 'interlaced');
  }
});

test('a JPEG gives nearly what its pixels give', async (t) => {
  const picture = waves({ width: 200, height: 150 });
  const expected = await grid(picture);
  closeTo(t, await grid(await encode(picture, 'jpeg')), expected, 2, 'full colour');
  closeTo(t, await grid(await image(picture).jpeg({ quality: 95 }).toBuffer()), expected, 6, 'halved colour');
  closeTo(t, await grid(await image(picture).jpeg({ quality: 95, progressive: true }).toBuffer()), expected, 6);
  closeTo(t, await grid(await image(picture).webp({ quality: 95 }).toBuffer()), expected, 8, 'a lossy WebP');
});

for (let orientation = 1; orientation <= 8; orientation++) {
  test(`EXIF orientation ${orientation} is applied`, async (t) => {
    const stored = image(storedFor(orientation, red)).withMetadata({ orientation });
    for (const file of [
      await stored.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
      await stored.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      t.is((await sharp(file).metadata()).orientation, orientation);
      const { frame, detections } = await detectOne(serving.client, { picture: file }, { model: 'spots' });
      t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 128, 96]);
      foundAt(t, detections, boxes, 1e-3);
    }
  });
}

test('transparency is dropped and not blended', async (t) => {
  const picture = noise(64, 64);
  const rgba = { ...picture, data: halfTransparent(picture) };
  t.deepEqual(await grid(await image(rgba, 4).png().toBuffer()), await grid(picture));
  t.deepEqual(await grid(await image(rgba, 4).webp({ lossless: true, exact: true }).toBuffer()), await grid(picture));
});

test('a grey PNG, with and without transparency, and a grey JPEG are pictures of three equal channels', async (t) => {
  const levels = noise(70, 50).data.subarray(0, 70 * 50);
  const three = plain(70, 50, [0, 0, 0]);
  levels.forEach((level, pixel) => three.data.fill(level, pixel * 3, pixel * 3 + 3));
  const expected = await grid(three);
  const gray = { ...three, data: levels };
  t.deepEqual(await grid(await image(gray, 1).toColourspace('b-w').png().toBuffer()), expected);
  const withAlpha = Uint8Array.from({ length: 7000 }, (_, at) => (at % 2 === 0 ? levels[at / 2]! : at % 256));
  const translucent = image({ ...three, data: withAlpha }, 2).toColourspace('b-w');
  t.deepEqual(await grid(await translucent.png().toBuffer()), expected);
  const wave = waves({ width: 70, height: 50 });
  const smooth = { ...wave, data: wave.data.filter((_, at) => at % 3 === 0) };
  const jpeg = await image(smooth, 1).toColourspace('b-w').jpeg({ quality: 100 }).toBuffer();
  t.is((await sharp(jpeg).metadata()).channels, 1);
  const values = await grid(jpeg);
  const redOf = (embedding: readonly number[]) => embedding.slice(0, 256);
  closeTo(t, redOf(values), redOf(await grid(wave)), 2);
  t.deepEqual([values.slice(256, 512), values.slice(512)], [redOf(values), redOf(values)]);
});

test('a PNG of 16 bits a channel gives its upper bytes', async (t) => {
  const picture = noise(64, 64);
  const wide = Uint16Array.from(picture.data, (level) => level * 257);
  const raw = sharp(wide, { raw: { width: 64, height: 64, channels: 3 } });
  const file = await raw.toColourspace('rgb16').png().toBuffer();
  t.is((await sharp(file).metadata()).depth, 'ushort');
  t.deepEqual(await grid(file), await grid(picture));
});

test('a PNG with a palette, of any depth, gives its colours', async (t) => {
  for (const colours of [2, 4, 16, 200]) {
    const picture = plain(64, 48, [0, 0, 0]);
    const palette = noise(colours, 1).data;
    const random = new Random(colours);
    for (let at = 0; at < picture.data.length; at += 3) {
      const colour = random.int(0, colours - 1) * 3;
      picture.data.set(palette.subarray(colour, colour + 3), at);
    }
    const file = await image(picture).png({ palette: true, quality: 100, colours: 256, dither: 0 }).toBuffer();
    const metadata = await sharp(file).metadata();
    t.true(metadata.isPalette);
    closeTo(t, await grid(file), await grid(picture), 0.6, `${colours} colours`);
  }
});

test('of an animation the first picture is taken', async (t) => {
  const [first, second] = [noise(40, 30), plain(40, 30, [9, 200, 30])];
  const data = Buffer.concat([first.data, second.data]);
  const pages = sharp(data, { raw: { width: 40, height: 60, channels: 3, pageHeight: 30 } });
  const file = await pages.webp({ lossless: true, delay: [100, 100] }).toBuffer();
  t.is((await sharp(file).metadata()).pages, 2);
  const { frame } = await embedOne(serving.client, { picture: file }, { model: 'grid' });
  t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 40, 30]);
  t.deepEqual(await grid(file), await grid(first));
});

test('a JPEG in CMYK is read as colours', async (t) => {
  const picture = plain(64, 64, [200, 60, 60]);
  const file = await image(picture).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  t.is((await sharp(file).metadata()).space, 'cmyk');
  const values = await grid(file);
  closeTo(t, [values[0]!, values[256]!, values[512]!], [200, 60, 60], 45);
});
