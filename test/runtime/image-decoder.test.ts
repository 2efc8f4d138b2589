import test from 'ava';
import sharp, { type Sharp } from 'sharp';
import { decodePicture, type DecodedPicture } from '../../server/runtime/image-decoder.js';
import { encode, plain, spots } from '../support/pictures.js';

const MANY = 1 << 26;

async function decode(file: Sharp | Uint8Array, atLeast: { width: number; height: number } | null = null) {
  const bytes = file instanceof Uint8Array ? file : await file.toBuffer();
  return decodePicture({ kind: 'encoded', bytes }, MANY, atLeast);
}

function pixel({ pixels }: DecodedPicture, x: number, y: number): number[] {
  return [...pixels.data.subarray(y * pixels.stride + x * 3, y * pixels.stride + x * 3 + 3)];
}

/** 6x4, red on the left half and blue on the right. */
function twoColours(): Sharp {
  const { data } = plain(6, 4, [255, 0, 0]);
  for (let y = 0; y < 4; y++) for (let x = 3; x < 6; x++) data.set([0, 0, 255], (y * 6 + x) * 3);
  return sharp(data, { raw: { width: 6, height: 4, channels: 3 } });
}

const ORANGE = { r: 200, g: 100, b: 50 };

for (const format of ['png', 'webp'] as const) {
  test(`a ${format} gives its pixels exactly, as packed RGB`, async (t) => {
    const picture = spots(37, 23, [[4, 4, 200]]);
    const decoded = await decode(await encode(picture, format));
    t.deepEqual([decoded.width, decoded.height], [37, 23]);
    t.deepEqual({ ...decoded.pixels, data: null }, { format: 'rgb8', width: 37, height: 23, stride: 111, data: null });
    t.deepEqual([...decoded.pixels.data], [...picture.data]);
  });
}

test('a jpeg gives its pixels as close as JPEG can', async (t) => {
  const decoded = await decode(await encode(plain(16, 16, [200, 100, 50]), 'jpeg'));
  for (const [channel, value] of pixel(decoded, 8, 8).entries()) {
    t.true(Math.abs(value - [200, 100, 50][channel]!) <= 2);
  }
});

test('raw pixels are taken as they are, without a copy', async (t) => {
  const bytes = new Uint8Array(64);
  const raw = { kind: 'raw', bytes, format: 'gray8', width: 5, height: 4, stride: 16 } as const;
  const decoded = await decodePicture(raw, 1, { width: 1, height: 1 });
  t.is(decoded.pixels.data, bytes);
  t.deepEqual([decoded.width, decoded.height, decoded.pixels.stride], [5, 4, 16]);
});

test('grey, 16-bit, palette and CMYK pictures become RGB of 8 bits', async (t) => {
  const grey = sharp({ create: { width: 4, height: 4, channels: 3, background: '#808080' } }).grayscale();
  t.deepEqual(pixel(await decode(grey.clone().png()), 1, 1), [128, 128, 128]);
  t.deepEqual(pixel(await decode(grey.clone().jpeg({ quality: 100 })), 1, 1), [128, 128, 128]);
  const deep = sharp({ create: { width: 4, height: 4, channels: 3, background: ORANGE } }).toColourspace('rgb16');
  t.deepEqual(pixel(await decode(deep.png()), 1, 1), [200, 100, 50]);
  t.deepEqual(pixel(await decode(twoColours().png({ palette: true })), 5, 1), [0, 0, 255]);
  const cmyk = await decode(twoColours().toColourspace('cmyk').jpeg({ quality: 100 }));
  t.is(cmyk.pixels.data.length, 6 * 4 * 3);
});

test('transparency is dropped, and what is under it shows', async (t) => {
  const half = { create: { width: 3, height: 3, channels: 4, background: { ...ORANGE, alpha: 0.5 } } } as const;
  const decoded = await decode(sharp(half).png());
  t.is(decoded.pixels.data.length, 27);
  t.deepEqual(pixel(decoded, 1, 1), [200, 100, 50]);
  const greyWithAlpha = sharp(half).grayscale().png();
  t.is((await decode(greyWithAlpha)).pixels.data.length, 27);
});

test('a picture is turned as its EXIF orientation says, and its size is that of the turned one', async (t) => {
  const turned = await decode(twoColours().withMetadata({ orientation: 6 }).png());
  t.deepEqual([turned.width, turned.height], [4, 6]);
  t.deepEqual([turned.pixels.width, turned.pixels.height], [4, 6]);
  t.deepEqual(pixel(turned, 0, 0), [255, 0, 0]);
  t.deepEqual(pixel(turned, 0, 5), [0, 0, 255]);
  const mirrored = await decode(twoColours().withMetadata({ orientation: 2 }).png());
  t.deepEqual(pixel(mirrored, 0, 0), [0, 0, 255]);
});

test('of an animation the first picture is taken', async (t) => {
  const frames = Buffer.concat([plain(4, 4, [255, 0, 0]).data, plain(4, 4, [0, 255, 0]).data]);
  const animation = sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } });
  const decoded = await decode(animation.webp({ lossless: true, loop: 0 }));
  t.deepEqual([decoded.width, decoded.height], [4, 4]);
  t.deepEqual(pixel(decoded, 2, 2), [255, 0, 0]);
});
