import test from 'ava';
import { SequenceBench } from '../../support/sequence-bench.js';

/** Strategy oldest: `a1` is request 1 of sequence a. */

function bench(oldest: object = {}, rest: object = {}): SequenceBench {
  return new SequenceBench({ sequences: { oldest: { max_candidate_sequences: 4, ...oldest } }, ...rest });
}

test('a batch has the oldest request of each sequence, in the order in which they came', async (t) => {
  const of = bench();
  of.send('x1+-');
  of.send('a1+ b1+ a2 c1+ b2');
  await of.finish();
  await of.finish();
  await of.finish();
  t.deepEqual(of.batches, ['x1', 'a1 b1 c1', 'a2 b2']);
});

test('no batch has two requests of a sequence, and none of one that runs', async (t) => {
  const of = bench({}, { instances: 3 });
  of.send('a1+ a2 b1+ b2');
  t.deepEqual(of.batches, ['a1', 'b1']);
  await of.finish();
  t.deepEqual(of.batches, ['a1', 'b1', 'a2']);
});

test('as many sequences as there are candidates for each instance run, and the others wait', async (t) => {
  const of = bench({ max_candidate_sequences: 1 }, { instances: 2 });
  of.send('a1+ b1+ c1+-');
  t.deepEqual(of.rule.table.counts, { active: 2, backlog: 1 });
  await of.finish();
  t.deepEqual(of.batches, ['a1', 'b1']);
  of.send('a2-');
  await of.finish();
  await of.finish();
  t.deepEqual(of.batches, ['a1', 'b1', 'a2', 'c1']);
});

test('left out, there are as many candidates as rows in a batch', (t) => {
  const of = new SequenceBench({ sequences: { oldest: {} }, maxBatchSize: 2 });
  of.send('a1+ b1+ c1+');
  t.deepEqual(of.rule.table.counts, { active: 2, backlog: 1 });
  const unbatched = new SequenceBench({ sequences: { oldest: {} }, maxBatchSize: 0 });
  unbatched.send('a1+ b1+');
  t.deepEqual(unbatched.rule.table.counts, { active: 1, backlog: 1 });
});

test('a batch waits for a preferred size, at most the delay', async (t) => {
  const of = bench({ preferred_batch_size: [2], max_queue_delay_microseconds: 5000 });
  of.send('a1+ a2');
  t.deepEqual(of.batches, [], 'the second one of a sequence makes no company');
  of.send('b1+');
  t.deepEqual(of.batches, ['a1 b1']);
  await of.finish();
  of.clock.advance(5000);
  t.deepEqual(of.batches[1], 'a2');
});

test('without a batch dimension each request runs alone', async (t) => {
  const of = bench({}, { maxBatchSize: 0 });
  of.send('a1+ b1+ a2');
  for (let batch = 0; batch < 3; batch++) await of.finish();
  t.deepEqual(of.batches, ['a1', 'b1', 'a2']);
});

test('states of different shapes share no batch', async (t) => {
  const of = bench();
  of.send('a1+ b1+');
  of.steps.get('a1')!.memory.key = '1,7';
  await of.finish();
  await of.finish();
  of.send('x1+');
  of.send('a2 b2');
  for (let batch = 0; batch < 3; batch++) await of.finish();
  t.deepEqual(of.batches, ['a1', 'b1', 'x1', 'a2', 'b2']);
});

test('many sequences, many steps: each runs all of its own in order, whatever the others do', async (t) => {
  const of = bench({ max_candidate_sequences: 3 }, { instances: 2, maxBatchSize: 3 });
  const names = 'a b c d e f g h'.split(' ');
  for (let step = 1; step <= 5; step++) {
    for (const name of names) of.send(`${name}${step}${step === 1 ? '+' : step === 5 ? '-' : ''}`);
  }
  while (of.executor.running.length > 0) await of.finish();
  for (const name of names) {
    const own = of.answers.filter((answer) => answer.startsWith(name));
    t.deepEqual(
      own,
      [1, 2, 3, 4, 5].map((step) => `${name}${step}`),
    );
  }
  t.deepEqual(of.rule.table.counts, { active: 0, backlog: 0 });
  t.is(of.batcher.queuedRequests, 0);
});
