import test from 'ava';
import { availableCores } from '../../server/config/available-cores.js';

test('without a limit the cores count', (t) => {
  t.is(availableCores(8, null), 8);
  t.is(availableCores(8, 'max 100000\n'), 8);
});

test("a container's limit counts where it is lower, rounded up", (t) => {
  t.is(availableCores(8, '200000 100000\n'), 2);
  t.is(availableCores(8, '150000 100000\n'), 2);
  t.is(availableCores(8, '10000 100000\n'), 1);
  t.is(availableCores(2, '800000 100000\n'), 2);
});

test('a limit that cannot be read is none', (t) => {
  for (const text of ['', 'x', '0 0', '100000']) t.is(availableCores(4, text), 4, text);
});

test('this machine has a core', (t) => {
  t.true(availableCores() >= 1);
});
