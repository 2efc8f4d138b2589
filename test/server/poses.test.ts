import test from 'ava';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { all } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { boxRegion } from '../support/messages.js';
import { Serving } from '../support/serving.js';
import { colorsModel, misfitModel } from '../support/tiny-models.js';

/** Poses of one object a region, by a model whose heat maps are the brightness of red, green and blue. */

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const config = {
      task: 'heatmap_pose',
      input: { width: 64, height: 64 },
      max_batch_size: 4,
      preprocess: { resize: 'stretch', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
      postprocess: { peak_refinement: 'none' },
      instance_group: { count: 1 },
    };
    await repository.addModel('heat', config, colorsModel(64, 64, 'planes first'));
    const part = { ...config, postprocess: { peak_refinement: 'none', first_key_point: 1, key_points: 1 } };
    await repository.addModel('green', part, colorsModel(64, 64, 'planes first'));
    const more = { ...config, postprocess: { first_key_point: 2, key_points: 2 } };
    await repository.addModel('more', more, colorsModel(64, 64, 'planes first'));
    await repository.addModel('points', { ...config, task: 'alphapose', postprocess: {} }, misfitModel(64, 64));
    await repository.addModel('faces', { ...config, task: 'yolov8', postprocess: {} }, misfitModel(64, 64));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

/** Black but for a square of 8 pixels of each colour, red, green and blue, from these places on. */
function dots(places: readonly (readonly [number, number])[]): RawPixels {
  const [width, height] = [256, 256];
  const data = new Uint8Array(width * height * 3);
  places.forEach(([left, top], colour) => {
    for (let y = top; y < top + 8; y++) {
      for (let x = left; x < left + 8; x++) data[(y * width + x) * 3 + colour] = 255;
    }
  });
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width, height, data };
}

test('each region has its own points, and its box', async (t) => {
  // In a region of 128x128 a cell is 8 pixels; the peak is told as the corner of its cell.
  const picture = dots([
    [8, 16],
    [64, 80],
    [200, 208],
  ]);
  const regions = [boxRegion(0, 0, 128, 128), boxRegion(128, 128, 256, 256)];
  const [answer] = await all(serving.client.detect([{ picture, regions }], { model: 'heat' }));
  t.is(answer?.frame?.error, undefined);
  const [first, second] = answer!.detections;
  t.deepEqual(first!.box, { left: 0, top: 0, right: 128, bottom: 128 });
  t.deepEqual(second!.box, { left: 128, top: 128, right: 256, bottom: 256 });
  const near = (point: { x: number; y: number } | undefined, x: number, y: number) =>
    t.true(Math.hypot(point!.x - x, point!.y - y) < 1, `${point!.x}, ${point!.y} is not ${x}, ${y}`);
  near(first!.keyPoints[0], 8.5, 16.5);
  near(first!.keyPoints[1], 64.5, 80.5);
  near(second!.keyPoints[2], 200.5, 208.5);
  t.true(first!.keyPoints[0]!.score > 0.99 && first!.keyPoints[2]!.score === 0);
  t.deepEqual(first!.landmarks, []);
  t.true(Math.abs(first!.score - 2 / 3) < 0.01);
});

test('without regions the whole picture is the object; points may be left out', async (t) => {
  const picture = dots([
    [16, 16],
    [32, 64],
    [0, 0],
  ]);
  const [whole] = await all(serving.client.detect([{ picture }], { model: 'heat' }));
  t.is(whole!.detections.length, 1);
  t.deepEqual(whole!.detections[0]!.box, { left: 0, top: 0, right: 256, bottom: 256 });
  t.is(whole!.detections[0]!.keyPoints.length, 3);
  const [green] = await all(serving.client.detect([{ picture }], { model: 'green' }));
  t.deepEqual(green!.detections[0]!.keyPoints, [whole!.detections[0]!.keyPoints[1]!]);
});

test('a bad region fails alone, at its place', async (t) => {
  const picture = dots([[16, 16]]);
  const regions = [boxRegion(0, 0, 64, 64), boxRegion(300, 300, 400, 400), boxRegion(0, 0, 128, 128)];
  const [answer] = await all(serving.client.detect([{ picture, regions }], { model: 'heat' }));
  t.deepEqual(
    answer!.detections.map(({ error }) => error?.code),
    [undefined, 'BAD_REGION', undefined],
  );
});

test('more regions than a batch takes are answered in their order', async (t) => {
  const picture = dots([[120, 120]]);
  const regions = Array.from({ length: 11 }, (_, index) => boxRegion(index * 10, 0, index * 10 + 128, 256));
  const [answer] = await all(serving.client.detect([{ picture, regions }], { model: 'heat' }));
  t.deepEqual(
    answer!.detections.map(({ box }) => box?.left),
    Array.from({ length: 11 }, (_, index) => index * 10),
  );
});

test('what a model tells must fit, and detectors of whole pictures refuse regions', async (t) => {
  const more = await callError(all(serving.client.detect([], { model: 'more' })));
  t.regex(more.details, /the model tells 3 points; first_key_point 2 and key_points 2 want more/);
  const points = await callError(all(serving.client.detect([], { model: 'points' })));
  t.regex(points.details, /expected one of \[1,points,3\], found \[1,3,4096,1\]/);
  const boxes = await callError(all(serving.client.detect([], { model: 'faces' })));
  t.regex(boxes.details, /the outputs do not fit task yolov8/);
});
