import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { BatcherBench, settle } from '../support/batcher-bench.js';
import { goodResult, PHASES } from '../support/fake-executor.js';

/** What becomes of requests that ran: order, failures, statistics, and the end of the batcher. */

const FAILED = new ServingError('DEVICE_OUT_OF_MEMORY', 'no memory');

test('each request gets the result at its place in the batch', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  const [a, b, c] = bench.submitAll('a b c');
  await bench.finishOldest();
  const bad = { width: 0, height: 0, outcome: new ServingError('BAD_IMAGE', 'not a picture') };
  bench.executor.running[0]?.finish([goodResult(7), bad, goodResult(9)]);
  await settle();
  t.like(a?.answers[0]?.outcome, { values: new Float32Array([7]) });
  t.is(b?.code, 'BAD_IMAGE');
  t.like(c?.answers[0]?.outcome, { values: new Float32Array([9]) });
});

test('without preserve_ordering a batch that ends first is answered first', async (t) => {
  const bench = new BatcherBench({ instances: 2 });
  bench.submitAll('a b');
  bench.executor.running[1]?.finish();
  await settle();
  t.deepEqual(bench.answered, ['b']);
});

test('with preserve_ordering answers wait for those of earlier batches', async (t) => {
  const bench = new BatcherBench({ instances: 3, preserveOrdering: true });
  bench.submitAll('a b c');
  const [first, second, third] = [...bench.executor.running];
  third?.finish();
  await settle();
  second?.finish();
  await settle();
  t.deepEqual(bench.answered, []);
  first?.finish();
  await settle();
  t.deepEqual(bench.answered, ['a', 'b', 'c']);
});

test('with preserve_ordering a failed batch keeps its place', async (t) => {
  const bench = new BatcherBench({ instances: 3, preserveOrdering: true });
  const [, b] = bench.submitAll('a b c');
  const [first, second, third] = [...bench.executor.running];
  second?.fail(FAILED);
  await settle();
  t.deepEqual(bench.answered, []);
  first?.finish();
  await settle();
  t.deepEqual(bench.answered, ['a', 'b']);
  third?.finish();
  await settle();
  t.deepEqual(bench.answered, ['a', 'b', 'c']);
  t.is(b?.code, 'DEVICE_OUT_OF_MEMORY');
});

test('with preserve_ordering a request that never ran is answered at once', async (t) => {
  const bench = new BatcherBench({ preserveOrdering: true });
  bench.submit('running');
  bench.submit('late', { deadlineAt: bench.clock.now() + 1000 });
  const gone = bench.submit('gone');
  gone.ticket.withdraw(new ServingError('CANCELLED', 'gone'));
  bench.clock.advance(1000);
  await settle();
  t.deepEqual(bench.answered, ['gone', 'late']);
});

test('a failure fails exactly the requests of its batch', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 2 });
  bench.submit('x');
  const [a, b, c, d] = bench.submitAll('a b c d');
  await bench.finishOldest();
  bench.executor.running[0]?.fail(FAILED);
  await settle();
  t.deepEqual([a?.answers[0]?.outcome, b?.answers[0]?.outcome], [FAILED, FAILED]);
  t.like(a?.answers[0], { width: 0, height: 0, timings: { batchSize: 2, infer: 0 } });
  t.false(c?.settled);
  await bench.finishOldest();
  t.deepEqual([c?.code, d?.code], [null, null]);
  t.true(c?.settled && d?.settled);
});

test('a failure that is no ServingError is answered as INTERNAL', async (t) => {
  const bench = new BatcherBench();
  const a = bench.submit('a');
  bench.executor.running[0]?.fail(new TypeError('undefined is not a function'));
  await settle();
  t.is(a.code, 'INTERNAL');
});

test('a request that the executor left out is answered as INTERNAL', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  const [a, b] = bench.submitAll('a b');
  await bench.finishOldest();
  bench.executor.running[0]?.finish([goodResult()]);
  await settle();
  t.is(a?.code, null);
  t.is(b?.code, 'INTERNAL');
});

test('a lost instance costs its batch, and the rest waits for the replacement', async (t) => {
  const bench = new BatcherBench();
  const [a, b] = bench.submitAll('a b');
  bench.executor.lose(bench.executor.running[0]);
  await settle();
  t.is(a?.code, 'INSTANCE_LOST');
  t.deepEqual(bench.batches, ['a']);
  bench.executor.add();
  await bench.finishOldest();
  t.is(b?.code, null);
  t.deepEqual(bench.batches, ['a', 'b']);
});

test('each request is reported once, however it ends', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 2, queueLimits: { requests: 5, bytes: 0 } });
  bench.submit('good');
  bench.submitAll('fails too');
  bench.submit('late', { deadlineAt: bench.clock.now() + 1000 });
  const gone = bench.submit('gone');
  bench.submit('bad');
  t.throws(() => bench.submit('refused'));
  gone.ticket.withdraw(new ServingError('FRAME_DROPPED', 'gone'));
  bench.clock.advance(1000);
  await bench.finishOldest();
  bench.executor.running[0]?.fail(FAILED);
  await settle();
  const bad = { width: 0, height: 0, outcome: new ServingError('BAD_IMAGE', 'not a picture') };
  bench.executor.running[0]?.finish([bad]);
  await settle();
  t.deepEqual(bench.statistics.totals, [1000]);
  t.deepEqual(bench.statistics.failures, [
    'QUEUE_FULL',
    'FRAME_DROPPED',
    'DEADLINE_EXCEEDED',
    'DEVICE_OUT_OF_MEMORY',
    'DEVICE_OUT_OF_MEMORY',
    'BAD_IMAGE',
  ]);
});

test('each executed batch is reported once, with what each of its requests waited', async (t) => {
  const bench = new BatcherBench();
  bench.submit('x');
  bench.clock.advance(100);
  bench.submit('a');
  bench.clock.advance(50);
  bench.submit('b', { rows: 2 });
  bench.clock.advance(25);
  await bench.finishOldest();
  await bench.finishOldest();
  t.is(bench.statistics.batches.length, 2);
  t.deepEqual(bench.statistics.batches[1], {
    requests: 2,
    rows: 3,
    queueUs: [75, 25],
    decodeUs: PHASES.decode,
    preprocessUs: PHASES.preprocess,
    inferUs: PHASES.infer,
    postprocessUs: PHASES.postprocess,
  });
});

test('a failed batch is not reported as executed', async (t) => {
  const bench = new BatcherBench();
  bench.submit('a');
  bench.executor.running[0]?.fail(FAILED);
  await settle();
  t.deepEqual(bench.statistics.batches, []);
});

test('stop refuses new requests, runs what is queued and resolves when all is answered', async (t) => {
  const bench = new BatcherBench({ maxBatchSize: 1 });
  bench.submitAll('a b');
  let stopped = false;
  const stop = bench.batcher.stop().then(() => (stopped = true));
  t.throws(() => bench.submit('c'), { code: 'MODEL_NOT_READY' });
  await bench.finishOldest();
  t.false(stopped);
  t.deepEqual(bench.answered, ['a']);
  await bench.finishOldest();
  await stop;
  t.deepEqual(bench.answered, ['a', 'b']);
});

test('stop of a batcher without requests resolves at once', async (t) => {
  const bench = new BatcherBench();
  await t.notThrowsAsync(bench.batcher.stop());
});

test('stop does not wait for a request that is withdrawn or expires', async (t) => {
  const bench = new BatcherBench({ instances: 0 });
  const gone = bench.submit('gone');
  bench.submit('late', { deadlineAt: bench.clock.now() + 1000 });
  const stop = bench.batcher.stop();
  gone.ticket.withdraw(new ServingError('CANCELLED', 'gone'));
  bench.clock.advance(1000);
  await t.notThrowsAsync(stop);
});

test('stop called twice resolves twice', async (t) => {
  const bench = new BatcherBench();
  bench.submit('a');
  let stopped = 0;
  for (let call = 0; call < 2; call++) void bench.batcher.stop().then(() => (stopped += 1));
  await bench.finishOldest();
  t.is(stopped, 2);
});
