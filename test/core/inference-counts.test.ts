import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { InferenceCounts } from '../../server/core/inference-counts.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingStatistics } from '../support/recording-statistics.js';

const TIMINGS = { queue: 5, decode: 10, preprocess: 20, infer: 300, postprocess: 40, total: 400, batchSize: 3 };

function batch(rows: number) {
  return { requests: 1, rows, queueUs: [5], decodeUs: 10, preprocessUs: 20, inferUs: 300, postprocessUs: 40 };
}

test('requests count by themselves and by their rows, and each with the time of its batch', (t) => {
  const clock = new FakeClock();
  const counts = new InferenceCounts(new RecordingStatistics(), clock);
  t.is(counts.snapshot().lastAt, null);
  counts.succeeded(TIMINGS, 1);
  clock.advance(70);
  counts.succeeded(TIMINGS, 2);
  counts.failed(new ServingError('CANCELLED', 'gone'), 60);
  counts.failed(new ServingError('QUEUE_FULL', 'full'), 0);
  t.like(counts.snapshot(), {
    inferences: 3,
    lastAt: clock.now(),
    success: { count: 2, us: 800 },
    fail: { count: 2, us: 60 },
    queue: { count: 2, us: 10 },
    input: { count: 2, us: 60 },
    infer: { count: 2, us: 600 },
    output: { count: 2, us: 80 },
  });
});

test('executions count by the rows of their batches', (t) => {
  const counts = new InferenceCounts(new RecordingStatistics(), new FakeClock());
  for (const rows of [8, 1, 8]) counts.batchExecuted(batch(rows));
  const { executions, batches } = counts.snapshot();
  t.is(executions, 3);
  t.deepEqual(batches, [
    { size: 1, input: { count: 1, us: 30 }, infer: { count: 1, us: 300 }, output: { count: 1, us: 40 } },
    { size: 8, input: { count: 2, us: 60 }, infer: { count: 2, us: 600 }, output: { count: 2, us: 80 } },
  ]);
});

test('every report is passed on', (t) => {
  const next = new RecordingStatistics();
  const counts = new InferenceCounts(next, new FakeClock());
  counts.succeeded(TIMINGS, 1);
  counts.failed(new ServingError('CANCELLED', 'gone'), 60);
  counts.batchExecuted(batch(2));
  t.deepEqual([next.totals, next.failures, next.batches], [[400], ['CANCELLED'], [batch(2)]]);
});
