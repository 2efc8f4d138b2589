import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import type { Region } from '../../server/core/picture.js';
import { loadNative } from '../../server/runtime/native.js';
import { sampleRegion, type Sampling } from '../../server/runtime/sampling.js';

const native = loadNative();

const PICTURE = { width: 200, height: 100 };
const INPUT = { width: 112, height: 112 };

/** Where a face's landmarks belong in 112x112. */
const TEMPLATE = Float32Array.of(38.3, 51.7, 73.5, 51.5, 56, 71.7, 41.5, 92.4, 70.7, 92.2);

function sample(region: Region, alignment: Float32Array | null = TEMPLATE): Sampling {
  return sampleRegion(region, PICTURE, INPUT, { resize: 'letterbox', crop: { rule: 'none' } }, alignment, native);
}

function refusal(region: Region, alignment?: Float32Array | null): ServingError {
  try {
    sample(region, alignment);
  } catch (error) {
    if (error instanceof ServingError) return error;
    throw error;
  }
  throw new Error('the region was expected to be refused');
}

function box(left: number, top: number, right: number, bottom: number): Region {
  return { kind: 'box', left, top, right, bottom };
}

test('an empty box is refused, whichever edge is wrong', (t) => {
  for (const region of [box(10, 10, 10, 20), box(10, 10, 20, 10), box(30, 10, 20, 20), box(10, 30, 20, 20)]) {
    const { code, message } = refusal(region);
    t.is(code, 'BAD_REGION');
    t.regex(message, /left must be less than right and top less than bottom/);
  }
});

test('a box with an edge that is not a number is refused', (t) => {
  for (const edge of [0, 1, 2, 3]) {
    const edges: [number, number, number, number] = [10, 10, 20, 20];
    edges[edge] = Number.NaN;
    t.is(refusal(box(...edges)).code, 'BAD_REGION');
  }
});

test('a box that does not overlap the picture is refused with both sizes, also when it only touches', (t) => {
  const outside = [box(200, 0, 210, 50), box(0, 100, 50, 120), box(-20, 0, 0, 50), box(0, -20, 50, 0)];
  for (const region of outside) {
    const { code, message } = refusal(region);
    t.is(code, 'BAD_REGION');
    t.regex(message, /outside the picture of 200x100/);
  }
});

test('the last row and column of the picture can be a box', (t) => {
  t.deepEqual(sample(box(199, 99, 250, 250)).window, { left: 199, top: 99, right: 200, bottom: 100 });
});

test('landmarks where the template has them are sampled as they are', (t) => {
  const { toPicture, window, border } = sample({ kind: 'landmarks', points: [...TEMPLATE] });
  const identity = [1, 0, 0, 0, 1, 0];
  toPicture.forEach((value, index) => t.true(Math.abs(value - identity[index]!) < 1e-4));
  t.is(window, null);
  t.is(border, 'constant');
});

test('turned, scaled and moved landmarks are found by the map from the template', (t) => {
  const angle = 0.3;
  const [cos, sin] = [0.5 * Math.cos(angle), 0.5 * Math.sin(angle)];
  const expected = [cos, -sin, 40, sin, cos, 20];
  const points = Array.from({ length: 5 }, (_, index) => {
    const [x, y] = [TEMPLATE[2 * index]!, TEMPLATE[2 * index + 1]!];
    return [cos * x - sin * y + 40, sin * x + cos * y + 20];
  }).flat();
  const { toPicture } = sample({ kind: 'landmarks', points });
  toPicture.forEach((value, index) => t.true(Math.abs(value - expected[index]!) < 1e-3, `${value}`));
});

test('landmarks on one point, or not finite, are refused', (t) => {
  const same = Array.from({ length: 10 }, () => 50);
  t.is(refusal({ kind: 'landmarks', points: same }).code, 'BAD_REGION');
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const place of [0, 5, 9]) {
      const points = [...TEMPLATE];
      points[place] = value;
      t.is(refusal({ kind: 'landmarks', points }).code, 'BAD_REGION', `${value} at ${place}`);
    }
  }
});

test('landmarks of a face that lies outside the picture are refused', (t) => {
  const beside = [...TEMPLATE].map((value, index) => (index % 2 === 0 ? value + 500 : value));
  const { code, message } = refusal({ kind: 'landmarks', points: beside });
  t.is(code, 'BAD_REGION');
  t.regex(message, /outside the picture of 200x100/);
});

test('landmarks for a model without a template are not supported, and the message says what to set', (t) => {
  const { code, message } = refusal({ kind: 'landmarks', points: [...TEMPLATE] }, null);
  t.is(code, 'TASK_NOT_SUPPORTED');
  t.regex(message, /preprocess\.alignment/);
});
