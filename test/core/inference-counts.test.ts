import test from 'ava';
import { ERRORS, type ErrorCode } from '../../server/core/errors.js';
import { FAILURE_REASONS, InferenceCounts } from '../../server/core/inference-counts.js';
import { FakeClock } from '../support/fake-clock.js';

const TIMINGS = { queue: 5, decode: 10, preprocess: 20, infer: 300, postprocess: 40, total: 400, batchSize: 3 };

function batch(rows: number) {
  return { requests: 1, rows, queueUs: [5], decodeUs: 10, preprocessUs: 20, inferUs: 300, postprocessUs: 40 };
}

test('requests count by themselves and by their rows, and each with the time of its batch', (t) => {
  const counts = new InferenceCounts(new FakeClock());
  counts.succeeded(TIMINGS, 1);
  counts.succeeded(TIMINGS, 2);
  counts.failed('CANCELLED', 60);
  counts.failed('QUEUE_FULL', 0);
  t.is(counts.inferences, 3);
  t.like(counts.success, { count: 2, us: 800 });
  t.like(counts.fail, { count: 2, us: 60 });
  t.like(counts.queue, { count: 2, us: 10 });
  t.like(counts.input, { count: 2, us: 60 });
  t.like(counts.infer, { count: 2, us: 600 });
  t.like(counts.output, { count: 2, us: 80 });
});

test('executions count by the rows of their batches', (t) => {
  const clock = new FakeClock();
  const counts = new InferenceCounts(clock);
  t.is(counts.lastAt, null);
  for (const rows of [8, 1, 8]) {
    clock.advance(70);
    counts.batchExecuted(batch(rows));
  }
  t.is(counts.lastAt, clock.now());
  t.is(counts.executions, 3);
  t.like(counts.batches, [
    { size: 1, input: { count: 1, us: 30 }, infer: { count: 1, us: 300 }, output: { count: 1, us: 40 } },
    { size: 8, input: { count: 2, us: 60 }, infer: { count: 2, us: 600 }, output: { count: 2, us: 80 } },
  ]);
});

test('every failure has one reason of Triton, and a dropped frame is no failure', (t) => {
  const counts = new InferenceCounts(new FakeClock());
  const codes = Object.keys(ERRORS) as ErrorCode[];
  for (const code of codes) counts.failed(code, 1);
  t.is(counts.dropped, 1);
  t.is(counts.fail.count, codes.length - 1);
  t.is(counts.requests, codes.length);
  const byReason = FAILURE_REASONS.map((reason) => counts.failuresFor(reason));
  t.is(
    byReason.reduce((sum, count) => sum + count),
    counts.fail.count,
  );
  t.deepEqual(byReason.slice(0, 3), [2, 1, 4]);
});
