import test from 'ava';
import { readingsOf, type ReshapeInput } from '../../server/onnx/reshape-readings.js';

const input = (batch: number, height: number, width: number, ...dims: number[]): ReshapeInput => {
  return { batch, height, width, dims };
};
const NONE: ReadonlySet<number> = new Set();

/** The first results of the readings at a size, for batches of 7 and 11 of it. */
function read(
  before: ReshapeInput,
  result: readonly number[],
  after: (batch: number) => ReshapeInput,
  more: readonly ReshapeInput[] = [],
  merged = NONE,
): (readonly (readonly number[])[])[] {
  return readingsOf(before, result, [after(7), after(11), ...more], merged).map(({ results }) => results);
}

test('a head of a detector has one reading: its cells grow, its values stay', (t) => {
  const found = read(input(1, 64, 64, 1, 8, 8, 4), [1, 128, 2], (n) => input(n, 96, 128, n, 12, 16, 4));
  t.deepEqual(found, [
    [
      [7, 384, 2],
      [11, 384, 2],
    ],
  ]);
});

test('a batch that is folded with cells stays in front of them', (t) => {
  const found = read(input(1, 64, 64, 1, 8, 8, 4), [128, 2], (n) => input(n, 96, 128, n, 12, 16, 4));
  t.deepEqual(found, [
    [
      [7 * 384, 2],
      [11 * 384, 2],
    ],
  ]);
});

test('a batch of the export that is folded with heads comes apart from them', (t) => {
  const found = read(input(5, 8, 8, 20, 16), [5, 4, 16], (n) => input(n, 8, 8, 4 * n, 16));
  t.deepEqual(found, [
    [
      [7, 4, 16],
      [11, 4, 16],
    ],
  ]);
});

test('a dim that is cut in two may grow on either side, where that gives whole sizes at every probe', (t) => {
  const before = input(1, 16, 16, 1, 8);
  const twice = (n: number) => input(n, 32, 16, n, 16);
  t.deepEqual(
    read(before, [1, 4, 2], twice).map(([first]) => first),
    [
      [7, 8, 2],
      [7, 4, 4],
    ],
  );
  // 12 is 6 x 2 or 4 x 3; 10 is 5 x 2 alone.
  t.deepEqual(
    read(before, [1, 4, 2], twice, [input(7, 24, 16, 7, 12)]).map((results) => results.at(-1)),
    [
      [7, 6, 2],
      [7, 4, 3],
    ],
  );
  t.deepEqual(
    read(before, [1, 4, 2], twice, [input(7, 20, 16, 7, 10)]).map((results) => results.at(-1)),
    [[7, 5, 2]],
  );
});

test('a merged dim in the proportions of the picture may be its rows and columns', (t) => {
  const before = input(1, 48, 64, 1, 12);
  const after = (n: number) => input(n, 96, 64, n, 24);
  const merged = new Set([12]);
  // Rows alone grow: that is also what the first of the two dims does by itself.
  t.deepEqual(read(before, [1, 3, 4], after, [], merged), read(before, [1, 3, 4], after));
  const wider = (n: number) => input(n, 48, 128, n, 24);
  const firsts = read(before, [1, 3, 4], wider, [], merged).map(([first]) => first);
  t.deepEqual(firsts, [
    [7, 6, 4],
    [7, 3, 8],
  ]);
  const turned = (n: number) => input(n, 64, 48, n, 12);
  t.deepEqual(
    read(before, [1, 3, 4], turned, [], merged).map(([first]) => first),
    [
      [7, 3, 4],
      [7, 4, 3],
    ],
  );
  t.deepEqual(
    read(before, [1, 3, 4], turned).map(([first]) => first),
    [[7, 3, 4]],
  );
});

test('borders that do not line up have no reading where something changes between them', (t) => {
  t.deepEqual(
    read(input(1, 8, 8, 1, 4, 6), [1, 6, 4], (n) => input(n, 16, 8, n, 8, 6)),
    [],
  );
  t.deepEqual(
    read(input(1, 8, 8, 1, 4, 6), [1, 6, 4], (n) => input(n, 8, 8, n, 4, 6)),
    [
      [
        [7, 6, 4],
        [11, 6, 4],
      ],
    ],
  );
});

test('a size of 1 that grows does so in a dim that it lies in or at', (t) => {
  // A picture of one cell, in front of dims of 1 and 5.
  const found = read(input(1, 8, 8, 1, 3, 1, 5), [1, 15], (n) => input(n, 16, 8, n, 3, 2, 5));
  t.deepEqual(found, [
    [
      [7, 30],
      [11, 30],
    ],
  ]);
  const apart = read(input(1, 8, 8, 1, 3, 1, 5), [1, 3, 5], (n) => input(n, 16, 8, n, 3, 2, 5));
  t.deepEqual(
    apart.map(([first]) => first),
    [
      [7, 6, 5],
      [7, 3, 10],
    ],
  );
});

test('sizes of 0, which no picture has, have no reading', (t) => {
  t.deepEqual(
    read(input(1, 8, 8, 1, 0, 4), [1, 0], (n) => input(n, 16, 8, n, 2, 4)),
    [],
  );
});
