import type { ExecutionContext } from 'ava';
import type { Detection } from '../../server/gen/sluice/v1/inference.js';
import type { Rectangle } from './spot-pictures.js';

/** Passes when both lists have the same length and no value differs by more than `tolerance`. */
export function closeTo(
  t: ExecutionContext,
  actual: readonly number[],
  expected: ArrayLike<number>,
  tolerance: number,
  what = 'the values',
): void {
  const wanted = Array.from(expected);
  const off = actual.map((value, index) => Math.abs(value - (wanted[index] ?? Number.NaN)));
  const fits = actual.length === wanted.length && off.every((difference) => difference <= tolerance);
  const show = (values: readonly number[]) => values.slice(0, 20).map((value) => Number(value.toFixed(4)));
  t.true(
    fits,
    `${what}: ${JSON.stringify(show(actual))} are not ${JSON.stringify(show(wanted))} (off by ${Math.max(...off)})`,
  );
}

/** Passes when the detections are at these places, in any order. */
export function foundAt(
  t: ExecutionContext,
  detections: readonly Detection[],
  expected: readonly Rectangle[],
  tolerance: number,
  what = 'the boxes',
): void {
  const edges = ({ left, top, right, bottom }: Rectangle) => [left, top, right, bottom];
  const inOrder = (boxes: readonly Rectangle[]) => [...boxes].sort((a, b) => a.top - b.top || a.left - b.left);
  const boxes = detections.map(({ box }) => box ?? { left: NaN, top: NaN, right: NaN, bottom: NaN });
  closeTo(t, inOrder(boxes).flatMap(edges), inOrder(expected).flatMap(edges), tolerance, what);
}
