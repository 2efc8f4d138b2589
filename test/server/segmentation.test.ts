import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { all } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Serving } from '../support/serving.js';
import { colorsModel, misfitModel, type ColorsLayout } from '../support/tiny-models.js';

/** Semantic segmentation through the server, by models that find the strongest colour. */

const LAYOUTS: Record<string, ColorsLayout> = {
  planar: 'planes first',
  last: 'planes last',
  single: 'one plane',
};

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const config = {
      task: 'segmentation',
      input: { width: 64, height: 64 },
      labels: 'labels.txt',
      preprocess: { scale: 1 / 255, pad: 0 },
      instance_group: { count: 1 },
    };
    for (const [name, layout] of Object.entries(LAYOUTS)) {
      await repository.addModel(name, config, colorsModel(64, 64, layout));
      const names = layout === 'one plane' ? 'other\nred\n' : 'red\ngreen\nblue\n';
      await repository.write(`${name}/labels.txt`, names);
    }
    const { labels: _, ...bare } = config;
    await repository.addModel('misfit', bare, misfitModel(64, 64));
    await repository.addModel('mislabelled', config, colorsModel(64, 64, 'planes first'));
    await repository.write('mislabelled/labels.txt', 'red\ngreen\n');
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Red on the left, green above and blue below on the right: edges at multiples of 16. */
function flag(width: number, height: number): RawPixels {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) data[pixel * 3 + classAt(pixel, width, height)] = 200;
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width, height, data };
}

function classAt(pixel: number, width: number, height: number): number {
  if (pixel % width < width / 2) return 0;
  return pixel < (width * height) / 2 ? 1 : 2;
}

async function pixelsOf(t: ExecutionContext, png: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  t.like(info, { width, height });
  t.is((await sharp(png).metadata()).channels, 1);
  // Read as it is: a grey picture of one channel.
  return info.channels === 1 ? data : data.filter((_, index) => index % info.channels === 0);
}

for (const model of ['planar', 'last']) {
  test(`every pixel has its class and how sure the model is: ${model}`, async (t) => {
    for (const [width, height] of [
      [128, 128],
      [128, 64],
      [64, 192],
    ] as const) {
      const frame = { picture: flag(width, height) };
      const [answer] = await all(serving.client.segment([frame], { model, probabilityMap: true }));
      t.is(answer?.frame?.error, undefined);
      const labels = await pixelsOf(t, answer!.classMap, width, height);
      const wrong = labels.findIndex((label, pixel) => label !== classAt(pixel, width, height));
      t.is(wrong, -1, `${width}x${height}: pixel ${wrong} is of class ${labels[wrong]}`);
      const levels = await pixelsOf(t, answer!.probabilityMap, width, height);
      // Scores as they are, away from where a cell shows two colours, or the padding.
      t.is(levels[(height / 4) * width + width / 4], 200);
      t.deepEqual(
        answer!.classes.map(({ label, pixels }) => [label, Number(pixels)]),
        [
          ['red', (width * height) / 2],
          ['green', (width * height) / 4],
          ['blue', (width * height) / 4],
        ],
      );
    }
  });
}

test('a single plane tells the object from the rest; maps of probabilities come when asked for', async (t) => {
  const [answer] = await all(serving.client.segment([{ picture: flag(128, 128) }], { model: 'single' }));
  const labels = await pixelsOf(t, answer!.classMap, 128, 128);
  t.is(
    labels.findIndex((label, pixel) => label !== (classAt(pixel, 128, 128) === 0 ? 1 : 0)),
    -1,
  );
  t.is(answer!.probabilityMap.length, 0);
  t.deepEqual(
    answer!.classes.map(({ label }) => label),
    ['other', 'red'],
  );
});

test('frames of a batch have the maps of their own pictures', async (t) => {
  const sizes = Array.from({ length: 12 }, (_, index) => [64 + 64 * (index % 3), 64 + 64 * (index % 2)] as const);
  const frames = sizes.map(([width, height]) => ({ picture: flag(width, height) }));
  const answers = await all(serving.client.segment(frames, { model: 'planar', window: 12 }));
  for (const [index, { frame, classMap }] of answers.entries()) {
    const [width, height] = sizes[index]!;
    t.is(frame?.width, width);
    await pixelsOf(t, classMap, width, height);
  }
});

test('outputs that do not fit, and labels that are not the classes, are told with the model', async (t) => {
  const misfit = await callError(all(serving.client.segment([], { model: 'misfit' })));
  t.regex(misfit.details, /expected one of \[1,C,h,w\] or \[1,h,w,C\].* found \[1,3,4096,1\]/);
  const mislabelled = await callError(all(serving.client.segment([], { model: 'mislabelled' })));
  t.regex(mislabelled.details, /labels file has 2 lines, the model tells 3 classes/);
});

test('a broken picture fails alone', async (t) => {
  const broken = new Uint8Array([0xff, 0xd8, 0xff, 0, 1, 2, 3]);
  const answers = await all(
    serving.client.segment([{ picture: flag(64, 64) }, { picture: broken }, { picture: flag(64, 64) }], {
      model: 'planar',
    }),
  );
  t.deepEqual(
    answers.map(({ frame }) => frame?.error?.code),
    [undefined, 'BAD_IMAGE', undefined],
  );
  t.is(answers[1]!.classMap.length, 0);
});
