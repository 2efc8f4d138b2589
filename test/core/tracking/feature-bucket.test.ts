import test from 'ava';
import { FeatureBucket, type Look } from '../../../server/core/tracking/feature-bucket.js';
import { Random } from '../../support/random.js';
import { blurred, unit } from './scenes.js';

/** Cosine by its definition. */
function cosine(one: Float32Array, other: Float32Array): number {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}

/** A feature that is not quite of unit length. */
function lookOf(random: Random, unitVector: Float32Array): Look {
  const length = 0.99 + 0.02 * random.next();
  return { values: unitVector.map((value) => value * length), scale: 1 / length };
}

for (const [most, length] of [
  [1, 8],
  [3, 5],
  [20, 16],
  [50, 3],
] as const) {
  test(`a bucket of ${most} features of ${length} values knows the best cosine, and bounds that hold`, (t) => {
    const random = new Random(most);
    const faces = [unit(random, length), unit(random, length)];
    // Opposite features have no mean direction.
    const first = lookOf(random, faces[0]!);
    const kept: Look[] = [first, { values: first.values.map((value) => -value), scale: first.scale }];
    const bucket = new FeatureBucket(most, kept[0]!, 7);
    bucket.add(kept[1]!);
    for (let round = 0; round < 6 * most + 40; round++) {
      const remembered = kept.slice(-most);
      t.is(bucket.count, remembered.length);
      const asked = lookOf(random, blurred(random, faces[round % 2]!, random.pick([0, 0.3, 2])));
      const best = Math.max(...remembered.map(({ values }) => cosine(values, asked.values)));
      t.true(Math.abs(bucket.similarity(asked) - best) < 1e-6);
      t.true(bucket.leastSimilarity(asked) <= best + 1e-6 && bucket.mostSimilarity(asked) >= best);
      t.true(bucket.isWithin(1 - best + 1e-5, asked));
      t.false(bucket.isWithin(1 - best - 1e-5, asked));
      const again = remembered.at(-1)!;
      t.true(bucket.mostSimilarity(again) >= 1 && Math.abs(bucket.leastSimilarity(again) - 1) < 1e-6);
      const next = lookOf(random, blurred(random, faces[random.int(0, 1)]!, 0.4));
      kept.push(next);
      bucket.add(next);
    }
  });
}

test('the upper bound tells those apart who look different', (t) => {
  const random = new Random(9);
  const [face, stranger] = [unit(random, 256), unit(random, 256)];
  const look = (of: Float32Array) => lookOf(random, blurred(random, of, 0.5));
  const bucket = new FeatureBucket(30, look(face), 0);
  for (let round = 0; round < 100; round++) bucket.add(look(face));
  t.true(bucket.mostSimilarity(look(stranger)) < 0.65);
  t.true(bucket.leastSimilarity(look(face)) > 0.65);
});
