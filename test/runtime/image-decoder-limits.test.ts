import test from 'ava';
import sharp from 'sharp';
import { ServingError } from '../../server/core/errors.js';
import { decodePicture } from '../../server/runtime/image-decoder.js';
import { Random } from '../support/random.js';
import { encode, plain } from '../support/pictures.js';

const MANY = 1 << 26;

type Size = { readonly width: number; readonly height: number };

function decode(bytes: Uint8Array, atLeast: Size | null, maxPixels = MANY) {
  return decodePicture({ kind: 'encoded', bytes }, maxPixels, atLeast);
}

async function refusal(bytes: Uint8Array, maxPixels = MANY): Promise<ServingError> {
  const error = await decode(bytes, null, maxPixels).then(
    () => null,
    (cause: unknown) => cause,
  );
  if (error instanceof ServingError) return error;
  throw new Error('the picture was expected to be refused', { cause: error });
}

function blank(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: '#336699' } });
}

test('a large jpeg is decoded smaller, at 1/4 or 1/8, and keeps the size that it has', async (t) => {
  const bytes = await blank(1600, 1200).jpeg().toBuffer();
  const reduced = async (side: number) => {
    const { width, height, pixels } = await decode(bytes, { width: side, height: side });
    t.deepEqual([width, height], [1600, 1200]);
    t.is(pixels.stride, pixels.width * 3);
    t.is(pixels.data.length, pixels.stride * pixels.height);
    return [pixels.width, pixels.height];
  };
  t.deepEqual(await reduced(1600), [1600, 1200]);
  t.deepEqual(await reduced(401), [1600, 1200]);
  t.deepEqual(await reduced(400), [400, 300]);
  t.deepEqual(await reduced(201), [400, 300]);
  t.deepEqual(await reduced(200), [200, 150]);
  t.deepEqual(await reduced(10), [200, 150]);
});

test('a jpeg never becomes smaller than what letterboxing samples, whatever the sizes', async (t) => {
  const random = new Random(21);
  for (let round = 0; round < 40; round++) {
    const [width, height] = [random.int(1, 700), random.int(1, 700)];
    const input = { width: random.int(1, 300), height: random.int(1, 300) };
    const { pixels, ...size } = await decode(await blank(width, height).jpeg().toBuffer(), input);
    const scale = Math.max(width / input.width, height / input.height);
    t.deepEqual(size, { width, height });
    t.true(pixels.width >= Math.floor(width / Math.max(1, scale)), `${width}x${height} to ${pixels.width}`);
    t.true(pixels.height >= Math.floor(height / Math.max(1, scale)));
  }
});

test('a turned jpeg is decoded smaller in the turned directions', async (t) => {
  const bytes = await blank(1600, 400).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const { width, height, pixels } = await decode(bytes, { width: 400, height: 400 });
  t.deepEqual([width, height], [400, 1600]);
  t.deepEqual([pixels.width, pixels.height], [100, 400]);
});

test('a jpeg is only decoded smaller by what divides it, so that its pixels stay where they are', async (t) => {
  const decodedSize = async (width: number, height: number) => {
    const bytes = await blank(width, height).jpeg().toBuffer();
    const { pixels } = await decode(bytes, { width: 50, height: 50 });
    return [pixels.width, pixels.height];
  };
  t.deepEqual(await decodedSize(804, 804), [201, 201]);
  t.deepEqual(await decodedSize(802, 804), [802, 804]);
  t.deepEqual(await decodedSize(801, 799), [801, 799]);
});

test('only jpegs are decoded smaller', async (t) => {
  for (const format of ['png', 'webp'] as const) {
    const { pixels } = await decode(await encode(plain(64, 64, [1, 2, 3]), format), { width: 8, height: 8 });
    t.deepEqual([pixels.width, pixels.height], [64, 64]);
  }
});

test('a picture of exactly the most pixels is decoded, and one of more is refused', async (t) => {
  const bytes = await blank(50, 40).png().toBuffer();
  t.is((await decode(bytes, null, 2000)).width, 50);
  const { code, message } = await refusal(bytes, 1999);
  t.is(code, 'MESSAGE_TOO_LARGE');
  t.regex(message, /more than 1999 pixels.*--max-picture-pixels/);
});

test('the limit counts the pixels that the file claims, also where it would be decoded smaller', async (t) => {
  const bytes = await blank(800, 800).jpeg().toBuffer();
  t.is((await refusal(bytes, 640_000 - 1)).code, 'MESSAGE_TOO_LARGE');
});

test('what is no picture is refused with what is wrong', async (t) => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(1000), Buffer.from('hello'), Buffer.from('GIF89a')]) {
    const { code, message } = await refusal(bytes);
    t.is(code, 'BAD_IMAGE');
    t.regex(message, /^the picture cannot be decoded: .+/);
    t.notRegex(message, /\n/);
  }
});

for (const format of ['png', 'jpeg', 'webp'] as const) {
  test(`a ${format} that is cut short anywhere is refused`, async (t) => {
    const bytes = await encode(plain(64, 64, [10, 200, 30]), format);
    const random = new Random(22);
    for (let round = 0; round < 12; round++) {
      const length = random.int(1, bytes.length - 20);
      t.is((await refusal(bytes.subarray(0, length))).code, 'BAD_IMAGE', `${length} of ${bytes.length}`);
    }
  });
}

for (const format of ['gif', 'tiff', 'avif'] as const) {
  test(`${format} files are refused: the protocol knows JPEG, PNG and WebP`, async (t) => {
    const { code } = await refusal(await blank(8, 8).toFormat(format).toBuffer());
    t.is(code, 'BAD_IMAGE');
  });
}

test('an SVG is refused: it is a program that draws, not a picture', async (t) => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
  t.is((await refusal(Buffer.from(svg))).code, 'BAD_IMAGE');
});
