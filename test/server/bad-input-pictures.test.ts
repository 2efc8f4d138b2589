import test, { type ExecutionContext } from 'ava';
import { status } from '@grpc/grpc-js';
import sharp from 'sharp';
import { PixelFormat, type Frame, type RawPixels } from '../../clients/typescript/sluice-client.js';
import type { FrameInfo } from '../../server/gen/sluice/v1/inference.js';
import { all, detectOne } from '../support/ask.js';
import { claimedJpeg, claimedPng, withByteChanged } from '../support/broken-pictures.js';
import { encode } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { Serving } from '../support/serving.js';
import { waves } from '../support/spot-pictures.js';
import { spotsModel } from '../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL, unharmed } from '../support/unharmed.js';

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const config = { task: 'centerface', input: GOOD_INPUT, instance_group: { count: 2 } };
    await repository.addModel(GOOD_MODEL, config, spotsModel(64, 64));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const good = waves({ width: 120, height: 90 });

/** The error of a picture, sent between two good ones that have to be answered. */
async function refusal(t: ExecutionContext, picture: Frame['picture']): Promise<NonNullable<FrameInfo['error']>> {
  const frames = [{ picture: good }, { id: 'bad', picture }, { picture: good }];
  const answers = await all(serving.client.detect(frames, { model: GOOD_MODEL }));
  t.deepEqual(
    answers.map(({ frame }) => [frame?.frameId, frame?.index, frame?.error === undefined]),
    [
      ['', 0, true],
      ['bad', 1, false],
      ['', 2, true],
    ],
  );
  t.deepEqual(answers[1]!.detections, []);
  return answers[1]!.frame!.error!;
}

async function refusedAs(t: ExecutionContext, picture: Frame['picture'], code: string, text: RegExp, what = '') {
  const error = await refusal(t, picture);
  t.is(error.code, code, what);
  t.regex(error.message, text, what);
  t.is(error.status, code === 'MESSAGE_TOO_LARGE' ? status.RESOURCE_EXHAUSTED : status.INVALID_ARGUMENT, what);
  t.false(error.retryable, what);
}

for (const format of ['jpeg', 'png', 'webp'] as const) {
  test.serial(`a ${format} file that is cut short is refused wherever it was cut`, async (t) => {
    const file = await encode(good, format);
    await unharmed(t, serving, async () => {
      for (const part of [0.02, 0.1, 0.3, 0.6, 0.9, 0.99]) {
        const cut = file.subarray(0, Math.max(12, Math.floor(file.length * part)));
        await refusedAs(t, cut, 'BAD_IMAGE', /cannot be decoded/, `${part} of the file`);
      }
    });
  });

  test.serial(`a corrupt ${format} file is decoded or refused, and nothing else happens`, async (t) => {
    const file = await encode(good, format);
    const random = new Random(format.length);
    const broken = Array.from({ length: 80 }, () => {
      let bytes: Buffer = Buffer.from(file);
      for (let flips = random.int(1, 5); flips > 0; flips--) {
        bytes = withByteChanged(bytes, random.int(12, bytes.length - 1), random.int(1, 255));
      }
      return { picture: bytes };
    });
    await unharmed(t, serving, async () => {
      const answers = await all(serving.client.detect(broken, { model: GOOD_MODEL, window: 16 }));
      t.is(answers.length, broken.length);
      const codes = new Set(answers.map(({ frame }) => frame?.error?.code ?? 'answered'));
      t.true(
        [...codes].every((code) => ['answered', 'BAD_IMAGE', 'MESSAGE_TOO_LARGE'].includes(code)),
        [...codes].join(),
      );
      t.true(codes.has('BAD_IMAGE'));
    });
  });
}

test.serial('bytes that are no picture are refused as such', async (t) => {
  const random = new Random(1);
  const noise = Uint8Array.from({ length: 5000 }, () => random.int(0, 255));
  noise[0] = 0;
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
  );
  const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64');
  const tiff = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .tiff()
    .toBuffer();
  await unharmed(t, serving, async () => {
    await refusedAs(t, new Uint8Array(0), 'BAD_IMAGE', /no bytes/);
    for (const bytes of [noise, svg, gif, tiff, Buffer.from('hello'), Buffer.from([0xff])]) {
      await refusedAs(t, bytes, 'BAD_IMAGE', /not a JPEG, PNG or WebP/);
    }
  });
});

test.serial('a file of the first bytes of its format alone is refused', async (t) => {
  await unharmed(t, serving, async () => {
    for (const head of ['\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'RIFF\0\0\0\0WEBP', 'RIFF\xff\xff\xff\xffWEBPVP8 ']) {
      await refusedAs(t, Buffer.from(head, 'latin1'), 'BAD_IMAGE', /cannot be decoded/);
    }
  });
});

test.serial('a file that claims more pixels than the limit is refused before it is decoded', async (t) => {
  const jpeg = await encode(good, 'jpeg');
  const bombs = [
    claimedPng(60_000, 60_000, 1),
    claimedPng(2 ** 31 - 1, 2 ** 31 - 1, 0),
    // All pixels are there: 250 million in a file of 30 KB.
    claimedPng(16_000, 16_000, 16_000),
    claimedPng(8193, 8192, 8192),
    claimedJpeg(jpeg, 65_500, 65_500),
  ];
  const resident = () => serving.metrics.value('process_resident_memory_bytes');
  await unharmed(t, serving, async () => {
    const before = await resident();
    for (const bomb of bombs) {
      t.true(bomb.length < 100_000);
      const { code, message, status: number } = await refusal(t, bomb);
      t.true(['MESSAGE_TOO_LARGE', 'BAD_IMAGE'].includes(code), code);
      t.true([status.RESOURCE_EXHAUSTED, status.INVALID_ARGUMENT].includes(number));
      t.true(message.length > 10);
    }
    t.true((await resident()) - before < 100 * 2 ** 20, 'nothing was unpacked');
  });
  await refusedAs(t, bombs[0]!, 'MESSAGE_TOO_LARGE', /67108864 pixels.*--max-picture-pixels/);
  await refusedAs(t, bombs[2]!, 'MESSAGE_TOO_LARGE', /67108864 pixels/);
  await refusedAs(t, bombs[3]!, 'MESSAGE_TOO_LARGE', /67108864 pixels/);
});

test.serial('a file of few bytes with as many pixels as the limit allows is answered', async (t) => {
  await unharmed(t, serving, async () => {
    const picture = claimedPng(8192, 8192, 8192);
    const { frame } = await detectOne(serving.client, { picture }, { model: GOOD_MODEL });
    t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 8192, 8192]);
  });
});

const { PIXEL_FORMAT_RGB8, PIXEL_FORMAT_GRAY8, PIXEL_FORMAT_NV12, PIXEL_FORMAT_BGR8 } = PixelFormat;

function raw(format: PixelFormat, width: number, height: number, stride: number, bytes: number): RawPixels {
  return { format, width, height, stride, data: new Uint8Array(bytes) };
}

test.serial('raw pixels that do not fit their size and stride are refused', async (t) => {
  const cases: readonly (readonly [RawPixels, RegExp])[] = [
    [raw(PIXEL_FORMAT_RGB8, 10, 10, 0, 299), /needs 300 bytes, but data has 299/],
    [raw(PIXEL_FORMAT_BGR8, 10, 10, 40, 389), /needs 390 bytes, but data has 389/],
    [raw(PIXEL_FORMAT_GRAY8, 10, 10, 0, 0), /needs 100 bytes, but data has 0/],
    [raw(PIXEL_FORMAT_NV12, 10, 10, 0, 149), /needs 150 bytes/],
    [raw(PIXEL_FORMAT_RGB8, 10, 10, 29, 1000), /stride 29 is less than a row of 30 bytes/],
    [raw(PIXEL_FORMAT_GRAY8, 10, 10, 1, 1000), /stride 1 is less/],
    [raw(PIXEL_FORMAT_RGB8, 0, 10, 0, 300), /0x10 is outside/],
    [raw(PIXEL_FORMAT_RGB8, 10, 0, 0, 300), /10x0 is outside/],
    [raw(PIXEL_FORMAT_GRAY8, 16_385, 1, 0, 16_385), /16385x1 is outside/],
    [raw(PIXEL_FORMAT_RGB8, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 300), /outside/],
    [raw(PIXEL_FORMAT_RGB8, 16_384, 16_384, 2 ** 32 - 1, 300), /needs \d+ bytes/],
    [raw(PIXEL_FORMAT_NV12, 11, 10, 0, 1000), /even width and height/],
    [raw(PIXEL_FORMAT_NV12, 10, 11, 0, 1000), /even width and height/],
  ];
  await unharmed(t, serving, async () => {
    for (const [picture, text] of cases) await refusedAs(t, picture, 'BAD_IMAGE', text);
  });
});

test.serial('raw pixels of no known format are refused', async (t) => {
  await unharmed(t, serving, async () => {
    for (const format of [PixelFormat.PIXEL_FORMAT_UNSPECIFIED, 99 as PixelFormat]) {
      await refusedAs(t, raw(format, 10, 10, 0, 300), 'INVALID_REQUEST', /raw\.format .* is none of RGB8/);
    }
  });
});
