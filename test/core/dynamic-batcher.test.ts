import test from 'ava';
import { BatcherBench, settle } from '../support/batcher-bench.js';
import { FakeClock } from '../support/fake-clock.js';

/** The rules by which batches are cut, in the order of DynamicBatcher's comment. */

test('a lone request goes at once when an instance is idle and the delay is 0', (t) => {
  const bench = new BatcherBench();
  bench.submit('a');
  t.deepEqual(bench.batches, ['a']);
  t.is(bench.clock.pendingTimers, 0);
});

test('a lone request below the preferred size goes at once when the delay is 0', (t) => {
  const bench = new BatcherBench({ preferredBatchSizes: [4] });
  bench.submit('a');
  t.deepEqual(bench.batches, ['a']);
});

test('nothing is cut while no instance is idle, and what has gathered goes as one batch', async (t) => {
  const bench = new BatcherBench();
  bench.submitAll('a b c d');
  t.deepEqual(bench.batches, ['a']);
  t.is(bench.batcher.queuedRequests, 3);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['a', 'b c d']);
  t.is(bench.batcher.queuedRequests, 0);
});

test('what arrives together travels together, shared evenly among the idle instances', (t) => {
  const bench = new BatcherBench({ instances: 2, maxBatchSize: 8 });
  bench.submitTogether('a b c d e');
  t.deepEqual(bench.batches, ['a b c', 'd e']);
});

test('a batch holds no more rows than max_batch_size', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 3 });
  bench.submitAll('a b c d e f g h');
  for (let batch = 0; batch < 3; batch++) await bench.finishOldest();
  t.deepEqual(bench.batches, ['a', 'b c d', 'e f g', 'h']);
});

test('a full batch does not wait for its delay', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 3, maxQueueDelay: 10_000 });
  bench.submitAll('a b');
  t.deepEqual(bench.batches, []);
  bench.submit('c');
  t.deepEqual(bench.batches, ['a b c']);
});

test('rows count, not requests', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 4, maxQueueDelay: 10_000 });
  bench.submit('a', { rows: 3 });
  t.deepEqual(bench.batches, []);
  bench.submit('b', { rows: 1 });
  t.deepEqual(bench.batches, ['a b']);
});

test('a preferred size is cut without waiting', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, preferredBatchSizes: [2], maxQueueDelay: 10_000 });
  bench.submit('a');
  t.deepEqual(bench.batches, []);
  bench.submit('b');
  t.deepEqual(bench.batches, ['a b']);
});

test('of several preferred sizes the largest that is reached is cut, and the rest waits its delay', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, preferredBatchSizes: [2, 4], maxQueueDelay: 10_000 });
  bench.submitAll('x y');
  bench.submitAll('a b c d e');
  t.deepEqual(bench.batches, ['x y']);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x y', 'a b c d']);
  await bench.finishOldest();
  t.is(bench.batcher.queuedRequests, 1);
  bench.clock.advance(10_000);
  t.deepEqual(bench.batches, ['x y', 'a b c d', 'e']);
});

test('a full batch is better than a preferred size', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 4, preferredBatchSizes: [2] });
  bench.submit('x');
  bench.submitAll('a b c d');
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'a b c d']);
});

test('another key behind a preferred size closes the batch where it stands', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, preferredBatchSizes: [2] });
  bench.submit('x');
  bench.submitAll('a b c', { batchKey: 'one' });
  bench.submit('d', { batchKey: 'other' });
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'a b c'], 'rule 2 comes before rule 3');
});

test('a preferred size that rows jump over is not reached', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, preferredBatchSizes: [4], maxQueueDelay: 10_000 });
  bench.submitAll('a b', { rows: 3 });
  t.deepEqual(bench.batches, []);
  bench.clock.advance(10_000);
  t.deepEqual(bench.batches, ['a b']);
});

test('requests with other batch keys never share a batch', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8 });
  bench.submit('x');
  bench.submitAll('a b', { batchKey: 'small' });
  bench.submitAll('c', { batchKey: 'large' });
  bench.submitAll('d', { batchKey: 'small' });
  for (let batch = 0; batch < 3; batch++) await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'a b', 'c', 'd']);
});

test('a request with another key closes the batch before it, whatever the delay', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, maxQueueDelay: 10_000 });
  bench.submit('a', { batchKey: 'small' });
  t.deepEqual(bench.batches, []);
  bench.submit('b', { batchKey: 'large' });
  t.deepEqual(bench.batches, ['a']);
  t.is(bench.batcher.queuedRequests, 1);
});

test('a request that would overfill the batch closes it', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 4, maxQueueDelay: 10_000 });
  bench.submit('a', { rows: 3 });
  t.deepEqual(bench.batches, []);
  bench.submit('b', { rows: 2 });
  t.deepEqual(bench.batches, ['a']);
});

test('a request of more rows than a batch holds travels alone', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 4, instances: 3 });
  for (let busy = 0; busy < 3; busy++) bench.submit('x');
  bench.submit('a');
  bench.submit('long', { rows: 9 });
  bench.submit('b');
  for (let batch = 0; batch < 3; batch++) await bench.finishOldest();
  t.deepEqual(bench.batches.slice(3), ['a', 'long', 'b']);
});

test('the oldest request waits for its delay and no longer', (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 5000 });
  bench.submit('a');
  bench.clock.advance(3000);
  bench.submit('b');
  bench.clock.advance(1999);
  t.deepEqual(bench.batches, []);
  bench.clock.advance(1);
  t.deepEqual(bench.batches, ['a b']);
  t.is(bench.clock.pendingTimers, 0);
});

test('the delay counts from arrival: what waited for an instance longer than that goes at once', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 2, maxQueueDelay: 5000 });
  bench.submitAll('a b c');
  bench.clock.advance(5000);
  t.deepEqual(bench.batches, ['a b']);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['a b', 'c']);
});

test('the oldest request is looked for in all priorities', (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 5000, priorityLevels: 2 });
  bench.submit('old', { priority: 2 });
  bench.clock.advance(4000);
  bench.submit('new', { priority: 1 });
  bench.clock.advance(1000);
  t.deepEqual(bench.batches, ['new old']);
});

test('a delay below a millisecond ends with the turn of the event loop', (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 200 });
  bench.submitAll('a b');
  t.deepEqual(bench.batches, []);
  bench.clock.turn();
  t.deepEqual(bench.batches, ['a b']);
});

test('a delay below a millisecond works anew for every batch', async (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 200 });
  for (const names of ['a b', 'c d', 'e f']) {
    bench.submitAll(names);
    t.is(bench.batcher.queuedRequests, 2);
    bench.clock.turn();
    await bench.finishOldest();
    bench.clock.stall(10);
  }
  t.deepEqual(bench.batches, ['a b', 'c d', 'e f']);
});

test('requests that waited for company are shared among the idle instances', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8, maxQueueDelay: 1000, instances: 3 });
  bench.submitAll('a b c d e f g');
  t.deepEqual(bench.batches, []);
  bench.clock.advance(1000);
  t.deepEqual(bench.batches, ['a b c', 'd e', 'f g']);
});

test('one request and several idle instances make one batch', (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 1000, instances: 3 });
  bench.submit('a');
  bench.clock.advance(1000);
  t.deepEqual(bench.batches, ['a']);
});

test('an instance that comes later takes what waits', async (t) => {
  const bench = new BatcherBench({ instances: 0 });
  bench.submitAll('a b');
  t.deepEqual(bench.batches, []);
  bench.executor.add();
  t.deepEqual(bench.batches, ['a b']);
  await bench.finishOldest();
});

test('a higher priority goes first, and order is kept within a priority', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 2, priorityLevels: 3 });
  bench.submit('x');
  bench.submitAll('c1 c2', { priority: 3 });
  bench.submitAll('b1 b2', { priority: 2 });
  bench.submitAll('a1 a2', { priority: 1 });
  for (let batch = 0; batch < 3; batch++) await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'a1 a2', 'b1 b2', 'c1 c2']);
});

test('the answer says how long the request waited, how long it took and how large its batch was', async (t) => {
  const bench = new BatcherBench();
  bench.submit('a');
  const b = bench.submit('b', { rows: 2 });
  bench.submit('c');
  bench.clock.advance(700);
  await bench.finishOldest();
  bench.clock.advance(300);
  await bench.finishOldest();
  t.deepEqual(b.answers[0]?.timings, {
    decode: 10,
    preprocess: 20,
    infer: 30,
    postprocess: 40,
    queue: 700,
    total: 1000,
    batchSize: 3,
  });
});

test('a timer that fires long before its time does not count as that time', async (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 0, clock: new FakeClock({ longestDelay: 1_000_000 }) });
  bench.submit('patient', { deadlineAt: bench.clock.now() + 1_000_000_000 });
  await bench.finishOldest();
  bench.clock.advance(1_000_000);
  const brisk = bench.submit('brisk', { deadlineAt: bench.clock.now() + 1000 });
  await settle();
  t.is(brisk.code, null);
  t.deepEqual(bench.batches, ['patient', 'brisk']);
});
