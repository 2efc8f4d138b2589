import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import type { Tiling } from '../../server/core/inference.js';
import { mergeTiles, tilesOf } from '../../server/core/pipeline/tiles.js';
import { Random } from '../support/random.js';

/** How pictures are cut into tiles, and how what they find is put together. */

const TILING: Tiling = {
  width: 100,
  height: 80,
  overlap: 0.2,
  wholePicture: false,
  merge: 'nmm',
  match: 'ios',
  threshold: 0.5,
};

function boxes(picture: { width: number; height: number }, tiling: Tiling): number[][] {
  return tilesOf(picture, tiling).map((tile) => {
    if (tile.kind !== 'box') throw new Error('a tile is a box');
    return [tile.left, tile.top, tile.right, tile.bottom];
  });
}

test('tiles stand side by side with their overlap, the last ones moved inwards', (t) => {
  t.deepEqual(boxes({ width: 250, height: 80 }, TILING), [
    [0, 0, 100, 80],
    [80, 0, 180, 80],
    [150, 0, 250, 80],
  ]);
});

test('a picture that fits into a tile is searched once, whatever is asked for', (t) => {
  t.deepEqual(boxes({ width: 90, height: 80 }, { ...TILING, wholePicture: true }), [[0, 0, 90, 80]]);
  t.is(boxes({ width: 101, height: 80 }, { ...TILING, wholePicture: true }).length, 3);
});

test('tiles of any size cover the picture, stay inside it, and share what they should', (t) => {
  const random = new Random(5);
  for (let round = 0; round < 300; round++) {
    const picture = { width: random.int(1, 900), height: random.int(1, 700) };
    const tiling = { ...TILING, width: random.int(40, 400), height: random.int(40, 400), overlap: random.next() * 0.8 };
    for (const [side, low, high] of [
      ['width', 0, 2],
      ['height', 1, 3],
    ] as const) {
      const spans = [...new Set(boxes(picture, tiling).map((box) => `${box[low]} ${box[high]}`))].map((text) =>
        text.split(' ').map(Number),
      );
      t.is(spans[0]![0], 0);
      t.is(spans.at(-1)![1], picture[side]);
      spans.slice(1).forEach(([start, end], index) => {
        t.is(end! - start!, tiling[side]);
        t.true(spans[index]![1]! - start! >= Math.floor(tiling.overlap * tiling[side]));
      });
    }
  }
});

test('more tiles than a request may have regions are refused', (t) => {
  const error = t.throws(() => tilesOf({ width: 16384, height: 16384 }, { ...TILING, width: 16, height: 16 }), {
    instanceOf: ServingError,
  });
  t.is(error?.code, 'INVALID_REQUEST');
});

/** Rows of left top right bottom score class, and a value of their own. */
function merged(rows: readonly number[][], tiling: Partial<Tiling> = {}, most = 100): number[][] {
  const { values } = mergeTiles(Float32Array.from(rows.flat()), 7, { ...TILING, ...tiling }, most);
  return Array.from({ length: values.length / 7 }, (_, row) =>
    Array.from(values.subarray(row * 7, (row + 1) * 7), (value) => Math.round(value * 1000) / 1000),
  );
}

test('halves of an object become one, with the score and the rest of the better half', (t) => {
  const halves = [
    [0, 0, 60, 40, 0.75, 0, 7],
    [30, 0, 90, 40, 0.875, 0, 8],
  ];
  // They share 30 of 60.
  t.deepEqual(merged(halves, { threshold: 0.4 }), [[0, 0, 90, 40, 0.875, 0, 8]]);
  t.deepEqual(merged(halves, { threshold: 0.4, merge: 'nms' }), [[30, 0, 90, 40, 0.875, 0, 8]]);
  t.is(merged(halves, { threshold: 0.5 }).length, 2, 'just as much is not more');
  t.is(merged(halves, { threshold: 0.4, match: 'iou' }).length, 2, '30 of 90');
});

test('classes stay apart, and so do objects that only touch', (t) => {
  const rows = [
    [0, 0, 10, 10, 0.9, 0, 0],
    [0, 0, 10, 10, 0.8, 1, 0],
    [10, 0, 20, 10, 0.7, 0, 0],
    [50, 50, 50, 50, 0.6, 0, 0],
  ];
  t.is(merged(rows, { threshold: 0 }).length, 4);
});

test('only what stays takes others in: a chain does not melt into one', (t) => {
  const chain = [
    [0, 0, 10, 10, 0.9, 0, 0],
    [4, 0, 14, 10, 0.8, 0, 0],
    [8, 0, 18, 10, 0.7, 0, 0],
  ];
  t.deepEqual(merged(chain), [
    [0, 0, 14, 10, 0.9, 0, 0],
    [8, 0, 18, 10, 0.7, 0, 0],
  ]);
});

test('the best ones stay where there are too many, equal ones in their order', (t) => {
  const rows = Array.from({ length: 6 }, (_, index) => [
    index * 20,
    0,
    index * 20 + 10,
    10,
    index < 3 ? 0.5 : 0.75,
    0,
    index,
  ]);
  t.deepEqual(
    merged(rows, {}, 4).map((row) => row[6]),
    [3, 4, 5, 0],
  );
  const { kept } = mergeTiles(Float32Array.from(rows.flat()), 7, TILING, 4);
  t.deepEqual(kept, [3, 4, 5, 0]);
});
