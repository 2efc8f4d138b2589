import test from 'ava';
import { RequestQueue, type Queued, type QueueLimits } from '../../server/core/request-queue.js';
import { makeRequest, type RequestOptions } from '../support/requests.js';

const UNLIMITED: QueueLimits = { requests: 0, bytes: 0 };

function item(options: RequestOptions = {}): Queued {
  return { request: makeRequest(0, options) };
}

test('items come by priority, then in order of arrival', (t) => {
  const queue = new RequestQueue(3, UNLIMITED);
  const [c1, a1, b1, c2, a2] = [3, 1, 2, 3, 1].map((priority) => item({ priority }));
  for (const each of [c1, a1, b1, c2, a2]) queue.push(each!);
  t.deepEqual([...queue], [a1, a2, b1, c1, c2]);
});

test('size and bytes follow what is pushed and removed', (t) => {
  const queue = new RequestQueue(1, UNLIMITED);
  const small = item({ bytes: 10 });
  const large = item({ bytes: 500 });
  queue.push(small);
  queue.push(large);
  t.deepEqual([queue.size, queue.bytes], [2, 510]);
  t.true(queue.remove(small));
  t.deepEqual([queue.size, queue.bytes], [1, 500]);
  t.true(queue.remove(large));
  t.deepEqual([queue.size, queue.bytes], [0, 0]);
});

test('an item can be removed once, and one that never was queued not at all', (t) => {
  const queue = new RequestQueue(1, UNLIMITED);
  const only = item();
  queue.push(only);
  t.true(queue.remove(only));
  t.false(queue.remove(only));
  t.false(queue.remove(item()));
  t.is(queue.size, 0);
  t.is(queue.bytes, 0);
});

test('items may be removed while they are gone through', (t) => {
  const queue = new RequestQueue(2, UNLIMITED);
  const items = [1, 2, 1, 2, 1].map((priority) => item({ priority }));
  for (const each of items) queue.push(each);
  const seen: Queued[] = [];
  for (const each of queue) {
    seen.push(each);
    queue.remove(each);
  }
  t.is(seen.length, 5);
  t.is(queue.size, 0);
});

test('removing from the middle keeps the order of the rest', (t) => {
  const queue = new RequestQueue(1, UNLIMITED);
  const items = Array.from({ length: 5 }, () => item());
  for (const each of items) queue.push(each);
  queue.remove(items[2]!);
  t.deepEqual([...queue], [items[0], items[1], items[3], items[4]]);
});

test('the limit on requests holds across priorities', (t) => {
  const queue = new RequestQueue(2, { requests: 2, bytes: 0 });
  queue.push(item({ priority: 1 }));
  queue.push(item({ priority: 2 }));
  t.throws(() => queue.push(item({ priority: 1 })), { code: 'QUEUE_FULL', message: /max_queue_size/ });
  t.is(queue.size, 2);
});

test('the limit on bytes lets in what exactly fits', (t) => {
  const queue = new RequestQueue(1, { requests: 0, bytes: 100 });
  queue.push(item({ bytes: 60 }));
  t.throws(() => queue.push(item({ bytes: 41 })), { code: 'QUEUE_FULL', message: /max_queue_bytes/ });
  t.notThrows(() => queue.push(item({ bytes: 40 })));
  t.is(queue.bytes, 100);
});

test('a picture over the limit on bytes is let into an empty queue only', (t) => {
  const queue = new RequestQueue(1, { requests: 0, bytes: 100 });
  const huge = item({ bytes: 1000 });
  queue.push(huge);
  t.throws(() => queue.push(item({ bytes: 1 })), { code: 'QUEUE_FULL' });
  queue.remove(huge);
  queue.push(item({ bytes: 1 }));
  t.throws(() => queue.push(item({ bytes: 1000 })), { code: 'QUEUE_FULL' });
});

test('a refused item leaves no trace', (t) => {
  const queue = new RequestQueue(2, UNLIMITED);
  t.throws(() => queue.push(item({ priority: 3, bytes: 10 })), {
    code: 'INVALID_REQUEST',
    message: /3 is not in 1 to 2/,
  });
  t.throws(() => queue.push(item({ priority: 0, bytes: 10 })), { code: 'INVALID_REQUEST' });
  t.deepEqual([queue.size, queue.bytes, [...queue].length], [0, 0, 0]);
});
