import test from 'ava';
import type { Detection } from '../../server/http/page/answer.js';
import { paintClassMap, paintMasks } from '../../server/http/page/masks.js';

/** Black pixels, opaque. */
function black(width: number, height: number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: width * height * 4 }, (_, index) => (index % 4 === 3 ? 255 : 0));
}

/** Which pixels are not black any more: rows of # and dots. */
function painted(pixels: Uint8ClampedArray, width: number): string[] {
  const marks = Array.from({ length: pixels.length / 4 }, (_, pixel) => (pixels[pixel * 4]! > 0 ? '#' : '.')).join('');
  return marks.match(new RegExp(`.{${width}}`, 'g')) ?? [];
}

function masked(width: number, height: number, counts: readonly number[]): Detection {
  const box = { left: 0, top: 0, right: 1, bottom: 1 };
  const mask = { width, height, runLengths: { counts } };
  return { box, classId: 0, label: '', score: 1, landmarks: [], keyPoints: [], mask };
}

test('run lengths go down the columns, outside first', (t) => {
  const pixels = black(4, 3);
  // Columns of 3: one pixel outside, four inside (to the middle of the second column), the rest outside.
  paintMasks(pixels, 4, 3, [masked(4, 3, [1, 4, 7])]);
  t.deepEqual(painted(pixels, 4), ['.#..', '##..', '#...']);
});

test('a mask of another size than the picture is left out', (t) => {
  const pixels = black(4, 3);
  paintMasks(pixels, 4, 3, [masked(3, 4, [0, 12])]);
  t.deepEqual(painted(pixels, 4), ['....', '....', '....']);
});

test('of a map of classes everything but class 0 is painted, and stays opaque', (t) => {
  const pixels = black(3, 1);
  const map = Uint8ClampedArray.from([0, 0, 0, 255, 1, 1, 1, 255, 2, 2, 2, 255]);
  paintClassMap(pixels, map);
  t.deepEqual(painted(pixels, 3), ['.##']);
  t.deepEqual([pixels[3], pixels[7], pixels[11]], [255, 255, 255]);
  t.notDeepEqual([...pixels.subarray(4, 7)], [...pixels.subarray(8, 11)], 'two classes have two colours');
});
