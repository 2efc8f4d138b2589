import test from 'ava';
import {
  cosineOf,
  f1Of,
  intersectionOverUnion,
  matchDetections,
  precisionOf,
  recallOf,
  type Detection,
} from '../../server/runtime/calibration/matching.js';
import { Random } from '../native/random.js';
import { askOracle } from '../oracle/oracle.js';
import { closeTo } from '../support/close-to.js';

/** A square box of class 0 at a place. */
const at = (left: number, score: number, side = 10, classId = 0): Detection => {
  return { left, top: 0, right: left + side, bottom: side, score, classId };
};

test('what overlaps in half of the union is the same object, and what overlaps less is not', (t) => {
  t.is(intersectionOverUnion(at(0, 1), at(0, 1)), 1);
  // Two thirds of one box in half of the union of both.
  const half = { left: 0, top: 0, right: 3, bottom: 1, score: 1, classId: 0 };
  t.is(intersectionOverUnion(half, { ...half, left: 1, right: 4 }), 0.5);
  t.deepEqual(matchDetections([half], [{ ...half, left: 1, right: 4 }]), [{ reference: 0, candidate: 0, iou: 0.5 }]);
  t.deepEqual(matchDetections([half], [{ ...half, left: 1.001, right: 4.001 }]), []);
});

test('another class is another object', (t) => {
  t.deepEqual(matchDetections([at(0, 1, 10, 1)], [at(0, 1, 10, 2)]), []);
});

test('the best score chooses first, and takes the reference that it overlaps most', (t) => {
  const references = [at(0, 0.9), at(2, 0.8)];
  const candidates = [at(1, 0.5), at(2, 0.7)];
  t.deepEqual(matchDetections(references, candidates), [
    { reference: 1, candidate: 1, iou: 1 },
    { reference: 0, candidate: 0, iou: 90 / 110 },
  ]);
});

test('a reference is taken once: the second candidate for it is one too many', (t) => {
  const matches = matchDetections([at(0, 0.9)], [at(0, 0.6), at(0, 0.7)]);
  t.deepEqual(matches, [{ reference: 0, candidate: 1, iou: 1 }]);
  const counts = { references: 1, candidates: 2, matches: matches.length };
  t.deepEqual([precisionOf(counts), recallOf(counts), f1Of(counts)], [0.5, 1, 2 / 3]);
});

test('equal scores and equal overlaps go by their place', (t) => {
  const same = [at(0, 0.5), at(0, 0.5)];
  t.deepEqual(
    matchDetections(same, same).map(({ reference, candidate }) => [reference, candidate]),
    [
      [0, 0],
      [1, 1],
    ],
  );
});

test('an empty box, and one that is turned inside out, match nothing, not even themselves', (t) => {
  const empty = at(3, 1, 0);
  const turned = { left: 5, top: 5, right: 0, bottom: 0, score: 1, classId: 0 };
  for (const box of [empty, turned]) t.deepEqual(matchDetections([box, at(0, 1)], [box]), []);
});

test('figures without detections: nothing found is precise, nothing to find is found, and both agree', (t) => {
  t.deepEqual(
    [precisionOf, recallOf, f1Of].map((of) => of({ references: 0, candidates: 0, matches: 0 })),
    [1, 1, 1],
  );
  t.deepEqual(
    [precisionOf, recallOf, f1Of].map((of) => of({ references: 3, candidates: 0, matches: 0 })),
    [1, 0, 0],
  );
  t.deepEqual(
    [precisionOf, recallOf, f1Of].map((of) => of({ references: 0, candidates: 3, matches: 0 })),
    [0, 1, 0],
  );
});

/** Boxes at whole pixels with few scores and classes: many ties, many equal boxes, empty ones among them. */
function anyDetections(random: Random, most: number): Float32Array {
  const rows = Array.from({ length: random.integer(0, most) }, () => {
    const [left, top] = [random.integer(0, 3), random.integer(0, 3)];
    const box = [left, top, left + random.integer(0, 8), top + random.integer(0, 8)];
    return [...box, random.integer(0, 4) / 4, random.integer(0, 2)];
  });
  return Float32Array.from(rows.flat());
}

function detections(rows: Float32Array): Detection[] {
  return Array.from({ length: rows.length / 6 }, (_, row) => {
    const [left, top, right, bottom, score, classId] = rows.subarray(row * 6) as unknown as number[];
    return { left, top, right, bottom, score, classId } as Detection;
  });
}

test('random detections, with ties and empty lists, pair as NumPy pairs them', (t) => {
  const random = new Random(11);
  const cases = Array.from({ length: 2000 }, (_, index) => {
    const most = index % 4 === 0 ? 1 : 25;
    return { references: anyDetections(random, most), candidates: anyDetections(random, most) };
  });
  const expected = askOracle<Float64Array[]>('matching.py', { oracle: 'match', cases });
  let pairs = 0;
  for (const [index, { references, candidates }] of cases.entries()) {
    const matches = matchDetections(detections(references), detections(candidates));
    const found = matches.flatMap(({ reference, candidate, iou }) => [reference, candidate, iou]);
    closeTo(t, found, [...expected[index]!], 1e-12);
    pairs += matches.length;
  }
  t.true(pairs > 2000 && cases.some(({ references }) => references.length === 0), `${pairs} pairs`);
});

test('the cosine is that of NumPy', (t) => {
  const random = new Random(12);
  const cases = Array.from({ length: 100 }, () => {
    const length = random.integer(1, 600);
    return { left: random.floats(length, -2, 3), right: random.floats(length, -3, 2) };
  });
  const expected = askOracle<Float64Array[]>('matching.py', { oracle: 'cosine', cases });
  const found = cases.map(({ left, right }) => cosineOf(left, right));
  closeTo(
    t,
    found,
    expected.map(([cosine]) => cosine!),
    1e-12,
  );
});

test('the cosine of zeros, of other lengths and of what is not finite', (t) => {
  const [zeros, ones] = [new Float32Array(3), Float32Array.of(1, 1, 1)];
  t.is(cosineOf(zeros, zeros), 1);
  t.is(cosineOf(zeros, ones), 0);
  t.is(cosineOf(ones, Float32Array.of(1, NaN, 1)), 0);
  t.is(cosineOf(ones, Float32Array.of(1, Infinity, 1)), 0);
  t.is(cosineOf(ones, Float32Array.of(1)), 0);
  closeTo(t, [cosineOf(ones, Float32Array.of(-2, -2, -2))], [-1], 1e-12);
});
