import test from 'ava';
import { ClientLimits } from '../../../server/core/access/client-limits.js';

test('a client may have so many requests at once, each client for itself', (t) => {
  const limits = new ClientLimits(2, 0);
  const first = limits.take('a');
  limits.take('a');
  const error = t.throws(() => limits.take('a'), { message: /2 requests.*--max-client-inflight/ });
  t.is((error as unknown as { code: string }).code, 'CLIENT_LIMIT');
  t.notThrows(() => limits.take('b'));
  first[Symbol.dispose]();
  t.notThrows(() => limits.take('a'));
});

test('a client may have so many bytes at once, also those that come later', (t) => {
  const limits = new ClientLimits(0, 100);
  const first = limits.take('a', 60);
  t.throws(() => limits.take('a', 41), { message: /41 bytes more.*over 100.*--max-client-bytes/ });
  const second = limits.take('a', 30);
  second.grow(10);
  t.throws(() => second.grow(1), { message: /--max-client-bytes/ });
  first[Symbol.dispose]();
  t.notThrows(() => second.grow(60));
});

test('what is refused takes nothing, and a share is given back once', (t) => {
  const limits = new ClientLimits(2, 100);
  t.throws(() => limits.take('a', 101));
  t.is(limits.clients, 0);
  const share = limits.take('a', 100);
  share[Symbol.dispose]();
  share[Symbol.dispose]();
  share.grow(50);
  t.is(limits.clients, 0);
  limits.take('a', 100);
  limits.take('a', 0);
  t.throws(() => limits.take('a', 0), { message: /2 requests/ });
});

test('a client that has nothing in the server is forgotten', (t) => {
  const limits = new ClientLimits(1, 0);
  for (let client = 0; client < 1000; client++) limits.take(`client ${client}`)[Symbol.dispose]();
  t.is(limits.clients, 0);
  using held = limits.take('a');
  t.is(limits.clients, 1);
  t.truthy(held);
});

test('without limits, and for nobody, nothing is counted', (t) => {
  const none = new ClientLimits(0, 0);
  t.false(none.any);
  none.take('a', 1e9);
  t.is(none.clients, 0);
  const some = new ClientLimits(1, 1);
  some.take(null, 10);
  some.take(null, 10).grow(10);
  t.is(some.clients, 0);
});
