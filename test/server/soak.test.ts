import test from 'ava';
import { growth, soak } from '../bench/soak/soak.js';

const MEBIBYTE = 1 << 20;
const SEED = 1;
/** Leaking a picture or a tensor now and then comes to more in a run as short as this; `make soak` sees smaller leaks. */
const MOST_GROWTH = 192 * MEBIBYTE;

test('thousands of mixed requests, good and bad, are answered as they should be, and the memory stays bounded', async (t) => {
  const { requests, kinds, samples, leftOver } = await soak({ requests: 5000, seed: SEED });
  t.log(`${requests} requests, seed ${SEED}, ${(growth(samples) / MEBIBYTE).toFixed(0)} MiB more in the second half`);
  t.true(Object.keys(kinds).length >= 18, 'nearly all kinds had their turn');
  t.deepEqual(leftOver, [0, 0]);
  t.true(growth(samples) < MOST_GROWTH, `${growth(samples)} bytes more in the second half`);
});
