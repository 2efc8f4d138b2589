import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { RawPixels } from '../../clients/typescript/sluice-client.js';
import { detectOne } from '../support/ask.js';
import { closeTo, foundAt } from '../support/close-to.js';
import { encode } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { boxOf, cellsInside, lightCells, pixelsOf, redOnBlack, type Size } from '../support/spot-pictures.js';
import { spotsModel } from '../support/tiny-models.js';

/** JPEGs so large that the server may decode them at 1/2, 1/4 or 1/8 of their size. */

const INPUT = { width: 64, height: 64 };

/** Pixels of the input that a cell takes. */
const CELL = 4;

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const config = { task: 'centerface', input: INPUT, instance_group: { count: 1 } };
    await repository.addModel('spots', config, spotsModel(64, 64));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

for (const times of [1, 2, 3, 4, 6, 8, 10, 16]) {
  test(`a JPEG of ${times} times the input gives the boxes and scores that its pixels give`, async (t) => {
    const size = { width: 64 * times, height: 48 * times };
    const cells = cellsInside(size, INPUT);
    const lit = [cells[0]!, cells[cells.length >> 1]!, cells.at(-1)!];
    const picture = lightCells(size, INPUT, lit);
    const settings = { model: 'spots' };
    const file = await detectOne(serving.client, { picture: await encode(picture, 'jpeg') }, settings);
    t.deepEqual([file.frame?.error, file.frame?.width, file.frame?.height], [undefined, size.width, size.height]);
    const boxes = lit.map((cell) => boxOf(cell, size, INPUT));
    foundAt(t, file.detections, boxes, 0.01 * times);
    const scores = file.detections.map(({ score }) => score);
    closeTo(t, scores, [1, 1, 1], 0.05, 'the scores');
  });
}

/** Where the middle of a red block lies along an axis, told from how far its ends light their cells. */
async function middleOf(t: ExecutionContext, picture: RawPixels, file: Uint8Array, axis: 'x' | 'y') {
  const settings = { model: 'spots', scoreThreshold: 0.02, nmsThreshold: 1 };
  const { frame, detections } = await detectOne(serving.client, { picture: file }, settings);
  t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, picture.width, picture.height]);
  const inputPixel = Math.max(picture.width / INPUT.width, picture.height / INPUT.height);
  const sides = detections.map(({ box, score }) => {
    const [start, end] = axis === 'x' ? [box!.left, box!.right] : [box!.top, box!.bottom];
    // The box is twice as large as the cell, and half a pixel of the input further right and down.
    return { center: (start + end) / 2 - inputPixel / 2, score };
  });
  const centers = [...new Set(sides.map(({ center }) => Math.round(center)))].sort((a, b) => a - b);
  const scores = centers.map((center) =>
    Math.max(...sides.filter((side) => Math.round(side.center) === center).map(({ score }) => score)),
  );
  const cell = CELL * inputPixel;
  const lit = scores.reduce((sum, score) => sum + Math.min(score, 1), 0) * cell;
  const first = scores.findIndex((score) => score > 0.97);
  const partly = scores.slice(0, first).reduce((sum, score) => sum + score, 0);
  const start = centers[first]! - cell / 2 + 0.5 - partly * cell;
  return start + lit / 2;
}

const ODD_SIZES: readonly Size[] = [
  { width: 128, height: 96 },
  { width: 131, height: 97 },
  { width: 256, height: 192 },
  { width: 263, height: 197 },
  { width: 512, height: 384 },
  { width: 517, height: 389 },
  { width: 519, height: 391 },
  { width: 389, height: 517 },
  { width: 1033, height: 777 },
];

for (const size of ODD_SIZES) {
  for (const axis of ['x', 'y'] as const) {
    test(`a JPEG of ${size.width}x${size.height} is not shifted by a pixel along ${axis}`, async (t) => {
      // A block that ends in the middle of cells, as far right and down as there is room.
      const cells = cellsInside(size, INPUT);
      const lastColumn = Math.max(...cells.map(({ column }) => column));
      const lastRow = Math.max(...cells.map(({ row }) => row));
      const from = pixelsOf({ column: lastColumn - 4, row: lastRow - 4 }, size, INPUT);
      const to = pixelsOf({ column: lastColumn, row: lastRow }, size, INPUT);
      const middle = (low: number, high: number): number => Math.round((low + high) / 2);
      const block = {
        left: middle(from.left, from.right),
        top: middle(from.top, from.bottom),
        right: middle(to.left, to.right),
        bottom: middle(to.top, to.bottom),
      };
      const picture = redOnBlack(size, [block]);
      const found = await middleOf(t, picture, await encode(picture, 'jpeg'), axis);
      const [start, end] = axis === 'x' ? [block.left, block.right] : [block.top, block.bottom];
      closeTo(t, [found], [(start + end) / 2], 1, 'the middle of the block');
    });
  }
}

test('a large JPEG that lies on its side is turned before it is measured', async (t) => {
  const size = { width: 512, height: 384 };
  const cells = cellsInside(size, INPUT);
  const lit = [cells[1]!, cells.at(-4)!];
  const upright = await encode(lightCells(size, INPUT, lit), 'png');
  const turned = await sharp(upright)
    .rotate(270)
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const { frame, detections } = await detectOne(serving.client, { picture: turned }, { model: 'spots' });
  t.deepEqual([frame?.error, frame?.width, frame?.height], [undefined, 512, 384]);
  const boxes = lit.map((cell) => boxOf(cell, size, INPUT));
  foundAt(t, detections, boxes, 0.1);
});
