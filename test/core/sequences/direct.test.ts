import test from 'ava';
import { ServingError } from '../../../server/core/errors.js';
import { SequenceBench } from '../../support/sequence-bench.js';

/** Slots and life of sequences; strategy direct. `0:a1` is request a1 of sequence a in row 0. */

const SECOND = 1_000_000;
const CANCELLED = new ServingError('CANCELLED', 'the client went away');

test('requests of one sequence run one at a time, in their order', async (t) => {
  const bench = new SequenceBench({ instances: 2 });
  bench.send('a1+ a2 a3-');
  t.deepEqual(bench.batches, ['0:a1']);
  await bench.finish();
  await bench.finish();
  await bench.finish();
  t.deepEqual(bench.batches, ['0:a1', '0:a2', '0:a3']);
  t.deepEqual(bench.answers, ['a1', 'a2', 'a3']);
});

test('sequences keep their row from start to end, and share batches', async (t) => {
  const bench = new SequenceBench();
  bench.send('x1+-');
  bench.send('a1+ b1+ c1+');
  await bench.finish();
  bench.send('a2 c2 b2');
  await bench.finish();
  bench.send('c3');
  await bench.finish();
  await bench.finish();
  t.deepEqual(bench.batches, ['0:x1', '1:a1 2:b1 3:c1', '1:a2 2:b2 3:c2', '3:c3']);
});

test('slots are given out over the instances, and an instance has one batch at a time', async (t) => {
  const bench = new SequenceBench({ instances: 2, maxBatchSize: 2 });
  bench.send('a1+ b1+ c1+ d1+');
  // a and c are rows of the first instance, b and d of the second.
  t.deepEqual(bench.batches, ['0:a1', '0:b1']);
  await bench.finish();
  t.deepEqual(bench.batches.slice(2), ['1:c1']);
  await bench.finish();
  t.deepEqual(bench.batches.slice(3), ['1:d1']);
});

test('an idle instance takes no row of another one that runs', async (t) => {
  const bench = new SequenceBench({ instances: 2, maxBatchSize: 2 });
  bench.send('a1+-');
  await bench.finish();
  bench.send('b1+');
  bench.send('c1+');
  bench.send('d1+');
  t.deepEqual(bench.batches, ['0:a1', '0:b1', '0:c1']);
  t.is(bench.executor.idle, 0);
  bench.executor.running[1]!.finish();
  await Promise.resolve();
  await bench.finish();
  t.deepEqual(bench.batches.slice(3), ['1:d1']);
});

test('a request without a start is refused where its sequence is not open, and one after its end', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1');
  bench.send('b1+ b2- b3');
  t.deepEqual(bench.answers.slice(0, 2), ['a1 INVALID_REQUEST', 'b3 INVALID_REQUEST']);
  t.regex(bench.messages[0]!, /^sequence "a" is not open: .* send its first request with sequence_start$/);
  await bench.finish();
  await bench.finish();
  bench.send('b4');
  t.is(bench.answers.at(-1), 'b4 INVALID_REQUEST');
  t.deepEqual(bench.statistics.failures, ['INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_REQUEST']);
});

test('a number and the same number as a text are different sequences', (t) => {
  const bench = new SequenceBench();
  bench.sendStep('n', 7n, { start: true });
  bench.sendStep('t', '7', {});
  t.deepEqual(bench.answers, ['t INVALID_REQUEST']);
  t.deepEqual(bench.rule.table.counts, { active: 1, backlog: 0 });
});

test('a second start begins anew in the same slot, with nothing of before', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+ a2 a3+ a4');
  for (let batch = 0; batch < 4; batch++) await bench.finish();
  t.deepEqual(bench.batches, ['0:a1', '0:a2', '0:a3', '0:a4']);
  const memory = (name: string) => bench.steps.get(name)!.memory;
  t.is(memory('a1'), memory('a2'));
  t.is(memory('a3'), memory('a4'));
  t.not(memory('a1'), memory('a3'));
  t.deepEqual(bench.rule.table.counts, { active: 1, backlog: 0 });
});

test('sequences beyond the slots wait in the order in which they came', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('a1+ b1+ c1+- b2- a2-');
  t.deepEqual(bench.rule.table.counts, { active: 1, backlog: 2 });
  for (let batch = 0; batch < 5; batch++) await bench.finish();
  t.deepEqual(bench.batches, ['0:a1', '0:a2', '0:b1', '0:b2', '0:c1']);
  t.deepEqual(bench.rule.table.counts, { active: 0, backlog: 0 });
});

test('an id that is used again gives its slot to those that wait', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('a1+- a2+- b1+-');
  for (let batch = 0; batch < 3; batch++) await bench.finish();
  t.deepEqual(bench.batches, ['0:a1', '0:b1', '0:a2']);
});

test('the backlog is bounded by the limits of the queue', (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1, queueLimits: { requests: 2, bytes: 0 } });
  bench.send('x1+ a1+ b1+ c1+');
  t.deepEqual(bench.answers, ['c1 QUEUE_FULL']);
  t.deepEqual(bench.rule.table.counts, { active: 1, backlog: 2 }, 'what was refused has no sequence');
});

test('a sequence without requests ends after its idle time, and its slot goes to one that waits', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('a1+ b1+');
  await bench.finish();
  bench.clock.advance(SECOND - 1);
  t.deepEqual(bench.batches, ['0:a1']);
  bench.clock.advance(1);
  t.deepEqual(bench.batches, ['0:a1', '0:b1']);
  bench.send('a2');
  t.is(bench.answers.at(-1), 'a2 INVALID_REQUEST');
  t.regex(bench.messages.at(-1)!, /had no request for max_sequence_idle_microseconds \(1000000\)/);
});

test('idle time counts from the last answer, and not while a request waits or runs', async (t) => {
  const bench = new SequenceBench({ sequences: { max_sequence_idle_microseconds: 1000 }, maxBatchSize: 2 });
  bench.send('a1+');
  bench.clock.advance(5000);
  bench.send('a2');
  await bench.finish();
  bench.clock.advance(5000);
  await bench.finish();
  bench.clock.advance(999);
  bench.send('a3');
  await bench.finish();
  bench.clock.advance(999);
  t.deepEqual(bench.answers, ['a1', 'a2', 'a3']);
  t.is(bench.rule.table.counts.active, 1);
  bench.clock.advance(1);
  t.is(bench.rule.table.counts.active, 0);
  t.is(bench.clock.pendingTimers, 0);
});

test('of several idle sequences each ends at its own time', async (t) => {
  const bench = new SequenceBench({ sequences: { max_sequence_idle_microseconds: 1000 } });
  bench.send('a1+');
  await bench.finish();
  bench.clock.advance(600);
  bench.send('b1+');
  await bench.finish();
  bench.clock.advance(400);
  t.is(bench.rule.table.counts.active, 1);
  bench.clock.advance(599);
  t.is(bench.rule.table.counts.active, 1);
  bench.clock.advance(1);
  t.is(bench.rule.table.counts.active, 0);
});

test('an idle sequence has ended although its timer is late', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('a1+ b1+');
  await bench.finish();
  bench.clock.stall(SECOND);
  bench.send('a2');
  t.is(bench.answers.at(-1), 'a2 INVALID_REQUEST');
  t.deepEqual(bench.batches, ['0:a1', '0:b1'], 'who waited has its slot');
});

test('a start that is cancelled takes the requests behind it along', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('x1+ a1+ a2 a3-');
  t.true(bench.cancel('a1', CANCELLED));
  bench.send('x2-');
  await bench.finish();
  await bench.finish();
  t.deepEqual(bench.batches, ['0:x1', '0:x2']);
  t.deepEqual([...bench.answers].sort(), ['a1 CANCELLED', 'a2 INVALID_REQUEST', 'a3 INVALID_REQUEST', 'x1', 'x2']);
  t.regex(bench.messages.at(-1)!, /first request of sequence "a" failed or was never run/);
  t.deepEqual(bench.rule.table.counts, { active: 0, backlog: 0 });
});

test('after a start that fails nothing of its sequence runs, until it begins again', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+ a2');
  await bench.fail(new ServingError('INSTANCE_LOST', 'the instance died'));
  t.deepEqual(bench.answers, ['a1 INSTANCE_LOST', 'a2 INVALID_REQUEST']);
  t.is(bench.rule.table.counts.active, 0);
  bench.send('a3+');
  await bench.finish();
  t.is(bench.answers.at(-1), 'a3');
});

test('the slot of a sequence whose start failed goes at once to one that waits', async (t) => {
  const bench = new SequenceBench({ maxBatchSize: 1 });
  bench.send('a1+ b1+ a2');
  await bench.fail(new ServingError('INSTANCE_LOST', 'the instance died'));
  t.deepEqual(bench.answers, ['a1 INSTANCE_LOST', 'a2 INVALID_REQUEST']);
  t.deepEqual(bench.batches, ['0:a1', '0:b1']);
});

test('a later request that fails or is cancelled leaves its sequence open', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+ a2 a3');
  t.true(bench.cancel('a2', CANCELLED));
  await bench.finish();
  await bench.fail(new ServingError('INSTANCE_LOST', 'the instance died'));
  bench.send('a4');
  await bench.finish();
  t.deepEqual(bench.answers, ['a2 CANCELLED', 'a1', 'a3 INSTANCE_LOST', 'a4']);
});

test('an end that is cancelled ends its sequence once the requests before it are done', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+ a2 a3-');
  t.true(bench.cancel('a3', CANCELLED));
  bench.send('a4');
  await bench.finish();
  await bench.finish();
  t.deepEqual([...bench.answers].sort(), ['a1', 'a2', 'a3 CANCELLED', 'a4 INVALID_REQUEST']);
  t.is(bench.rule.table.counts.active, 0);
});

test('a deadline takes a request out of the queue of its sequence', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+');
  bench.send('a2', { deadlineAt: bench.clock.now() + 100 });
  bench.clock.advance(100);
  await bench.finish();
  t.deepEqual(bench.answers, ['a2 DEADLINE_EXCEEDED', 'a1']);
});

test('a batch waits for the share of slots that is asked for, at most the delay', async (t) => {
  const direct = { max_queue_delay_microseconds: 5000, minimum_slot_utilization: 0.5 };
  const bench = new SequenceBench({ sequences: { direct } });
  bench.send('a1+');
  t.deepEqual(bench.batches, []);
  bench.send('b1+');
  t.deepEqual(bench.batches, ['0:a1 1:b1']);
  await bench.finish();
  bench.send('a2');
  bench.clock.advance(4999);
  t.is(bench.batches.length, 1);
  bench.clock.advance(1);
  t.deepEqual(bench.batches[1], '0:a2');
});

test('requests of different shapes share no batch', async (t) => {
  const bench = new SequenceBench();
  bench.send('x1+');
  bench.send('a1+', { batchKey: 'small' });
  bench.send('b1+', { batchKey: 'large' });
  bench.send('c1+', { batchKey: 'small' });
  for (let batch = 0; batch < 3; batch++) await bench.finish();
  t.deepEqual(bench.batches, ['0:x1', '1:a1 3:c1', '2:b1']);
});

test('when it closes, sequences end as soon as they have no requests, and the batcher stops', async (t) => {
  const bench = new SequenceBench();
  bench.send('a1+');
  await bench.finish();
  bench.send('b1+');
  const uses: boolean[] = [];
  bench.rule.table.onUse = (inUse) => uses.push(inUse);
  bench.rule.table.close();
  t.is(bench.rule.table.counts.active, 1);
  await bench.finish();
  t.deepEqual(uses, [false]);
  await t.notThrowsAsync(bench.batcher.stop());
  t.is(bench.clock.pendingTimers, 0);
});
