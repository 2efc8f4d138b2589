import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { BatcherBench, settle } from '../support/batcher-bench.js';

/** Requests that leave the queue without being run, or never get into it. */

const CANCELLED = new ServingError('CANCELLED', 'the client went away');

test('a queued request is answered at its deadline and never reaches the executor', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  const late = bench.submit('late', { deadlineAt: bench.clock.now() + 2000 });
  bench.clock.advance(1999);
  await settle();
  t.false(late.settled);
  bench.clock.advance(1);
  await settle();
  t.is(late.code, 'DEADLINE_EXCEEDED');
  t.is(late.answers[0]?.timings.queue, 2000);
  t.is(late.answers[0]?.timings.batchSize, 0);
  t.is(bench.batcher.queuedRequests, 0);
  t.is(bench.batcher.queuedBytes, 0);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x']);
});

test('each of several deadlines is kept, in whatever order they were asked for', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  for (const [name, after] of [
    ['c', 3000],
    ['a', 1000],
    ['d', 4000],
    ['b', 2000],
  ] as const) {
    bench.submit(name, { deadlineAt: bench.clock.now() + after });
  }
  bench.submit('patient');
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']]) {
    bench.clock.advance(1000);
    await settle();
    t.deepEqual(bench.answered, expected);
  }
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'patient']);
});

test('what is behind an expired request moves up', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 8 });
  bench.submit('x');
  bench.submit('a', { batchKey: 'one' });
  bench.submit('b', { batchKey: 'other', deadlineAt: bench.clock.now() + 1000 });
  bench.submit('c', { batchKey: 'one' });
  bench.clock.advance(1000);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'a c']);
});

test('a deadline inside the delay comes first, and the delay is kept for the others', async (t) => {
  const bench = new BatcherBench({ maxQueueDelay: 5000 });
  const hasty = bench.submit('hasty', { deadlineAt: bench.clock.now() + 2000 });
  bench.clock.advance(1000);
  bench.submit('patient');
  bench.clock.advance(1000);
  await settle();
  t.is(hasty.code, 'DEADLINE_EXCEEDED');
  t.deepEqual(bench.batches, []);
  bench.clock.advance(3999);
  t.deepEqual(bench.batches, []);
  bench.clock.advance(1);
  t.deepEqual(bench.batches, ['patient']);
});

test('a running request is answered although its deadline passes', async (t) => {
  const bench = new BatcherBench();
  const slow = bench.submit('slow', { deadlineAt: bench.clock.now() + 1000 });
  bench.clock.advance(5000);
  await bench.finishOldest();
  t.is(slow.code, null);
  t.true(slow.settled);
});

test('what has expired is not run even when the event loop was too busy to fire the timer', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  const late = bench.submit('late', { deadlineAt: bench.clock.now() + 1000 });
  bench.clock.stall(2000);
  await bench.finishOldest();
  t.is(late.code, 'DEADLINE_EXCEEDED');
  t.deepEqual(bench.batches, ['x']);
});

test('what arrives together needs no room in the queue where an instance is idle', (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 1, bytes: 0 } });
  bench.submitTogether('a b');
  t.deepEqual(bench.batches, ['a']);
  t.is(bench.batcher.queuedRequests, 1);
  t.throws(() => bench.submitTogether('c'), { code: 'QUEUE_FULL' });
});

test('what has expired takes no place from a new request when the event loop was too busy to fire the timer', (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 1, bytes: 0 } });
  bench.submit('x');
  bench.submit('late', { deadlineAt: bench.clock.now() + 1000 });
  bench.clock.stall(2000);
  t.notThrows(() => bench.submit('fresh'));
});

test('a request that arrives after its deadline is refused', (t) => {
  const bench = new BatcherBench();
  t.throws(() => bench.submit('late', { deadlineAt: bench.clock.now() }), { code: 'DEADLINE_EXCEEDED' });
  t.deepEqual(bench.batches, []);
  t.deepEqual(bench.statistics.failures, ['DEADLINE_EXCEEDED']);
});

test('stop leaves no timer behind', async (t) => {
  const bench = new BatcherBench();
  bench.submit('a', { deadlineAt: bench.clock.now() + 3_600_000_000 });
  await bench.finishOldest();
  await bench.batcher.stop();
  t.is(bench.clock.pendingTimers, 0, 'it would keep an unloaded model in memory until the deadline');
});

test('a withdrawn request leaves at once, is settled with the reason and frees its place', async (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 2, bytes: 0 } });
  bench.submit('x');
  const gone = bench.submit('gone', { bytes: 1000 });
  bench.submit('stays', { bytes: 10 });
  t.throws(() => bench.submit('refused'), { code: 'QUEUE_FULL' });
  t.true(gone.ticket.withdraw(CANCELLED));
  t.is(bench.batcher.queuedRequests, 1);
  t.is(bench.batcher.queuedBytes, 10);
  bench.submit('next');
  await settle();
  t.is(gone.answers[0]?.outcome, CANCELLED);
  await bench.finishOldest();
  t.deepEqual(bench.batches, ['x', 'stays next']);
});

test('a request can be withdrawn once, and not at all when it runs or has been answered', async (t) => {
  const bench = new BatcherBench();
  const running = bench.submit('running');
  const queued = bench.submit('queued');
  t.false(running.ticket.withdraw(CANCELLED));
  t.true(queued.ticket.withdraw(CANCELLED));
  t.false(queued.ticket.withdraw(CANCELLED));
  await bench.finishOldest();
  t.false(running.ticket.withdraw(CANCELLED));
  t.is(running.code, null);
  t.is(running.answers.length, 1);
  t.is(bench.statistics.reported, 2);
});

test('withdrawing the request that closed a batch lets the ones around it share', (t) => {
  const bench = new BatcherBench({ maxBatchSize: 3, maxQueueDelay: 5000, instances: 0 });
  bench.submit('a', { batchKey: 'one' });
  const between = bench.submit('between', { batchKey: 'other' });
  bench.submitAll('b c', { batchKey: 'one' });
  between.ticket.withdraw(CANCELLED);
  bench.executor.add();
  t.deepEqual(bench.batches, ['a b c']);
});

test('the queue takes as many requests as its limit says, running ones not counted', (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 2, bytes: 0 } });
  bench.submitAll('running a b');
  t.throws(() => bench.submit('c'), {
    instanceOf: ServingError,
    code: 'QUEUE_FULL',
    message: /2 requests.*max_queue_size/,
  });
  t.is(bench.batcher.queuedRequests, 2);
  t.deepEqual(bench.statistics.failures, ['QUEUE_FULL']);
});

test('the queue takes as many bytes as its limit says', (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 0, bytes: 1000 } });
  bench.submit('running', { bytes: 5000 });
  bench.submit('a', { bytes: 600 });
  t.throws(() => bench.submit('b', { bytes: 401 }), { code: 'QUEUE_FULL', message: /max_queue_bytes \(1000\)/ });
  bench.submit('c', { bytes: 400 });
  t.is(bench.batcher.queuedBytes, 1000);
});

test('a lone picture over the limit on bytes passes, and what comes after it is refused', (t) => {
  const bench = new BatcherBench({ queueLimits: { requests: 0, bytes: 1000 } });
  bench.submit('running');
  bench.submit('huge', { bytes: 5000 });
  t.throws(() => bench.submit('small', { bytes: 1 }), { code: 'QUEUE_FULL' });
});

test('a priority that the model does not have is refused', (t) => {
  const bench = new BatcherBench({ priorityLevels: 2 });
  for (const priority of [0, 3, 1.5]) {
    t.throws(() => bench.submit('a', { priority }), { code: 'INVALID_REQUEST', message: /1 to 2/ });
  }
  t.is(bench.batcher.queuedRequests, 0);
  t.is(bench.batcher.queuedBytes, 0);
});
