import test from 'ava';
import { ServingError } from '../../../server/core/errors.js';
import { settle } from '../../support/batcher-bench.js';
import { Random } from '../../support/random.js';
import { SequenceBench } from '../../support/sequence-bench.js';

/** Whatever happens, the rules of sequences hold. */

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
const CANCELLED = new ServingError('CANCELLED', 'the client went away');
const LOST = new ServingError('INSTANCE_LOST', 'the instance died');

for (const [strategy, sequences, perInstance] of [
  ['direct', { direct: {} }, 3],
  ['oldest', { oldest: { max_candidate_sequences: 2 } }, 2],
] as const) {
  test(`random operations, strategy ${strategy}: order, slots and answers are as they must be`, async (t) => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const instances = random.int(1, 2);
      const bench = new SequenceBench({ sequences, instances, maxBatchSize: 3 });
      const sent = new Map<string, string[]>();
      const number = (name: string) => Number(/\d+$/.exec(name)![0]);
      const idOf = (name: string) => name.replace(/^\d+:/, '').replace(/\d+$/, '');
      let count = 0;
      for (let operation = 0; operation < 200; operation++) {
        const what = random.int(0, 9);
        if (what < 6) {
          const id = random.pick(IDS);
          const name = `${id}${++count}`;
          sent.set(id, [...(sent.get(id) ?? []), name]);
          bench.send(`${name}${random.chance(0.3) ? '+' : ''}${random.chance(0.25) ? '-' : ''}`);
        } else if (what === 6 && count > 0) {
          bench.cancel(random.pick([...bench.steps.keys()])!, CANCELLED);
        } else if (what === 7 && bench.executor.running.length > 0) {
          await bench.fail(LOST);
        } else if (what === 8) {
          bench.clock.advance(400_000);
        } else if (bench.executor.running.length > 0) {
          await bench.finish();
        }
        await settle();
        const running = bench.executor.running.flatMap(({ requests }) => requests.map(({ sequence }) => sequence!.id));
        t.is(new Set(running).size, running.length, `seed ${seed}: a sequence runs twice at once`);
        const { active, backlog } = bench.rule.table.counts;
        t.true(active <= perInstance * instances, `seed ${seed}: more sequences than slots`);
        t.true(backlog === 0 || active === perInstance * instances, `seed ${seed}: a slot is free, and one waits`);
      }
      // What waits for a slot gets one when the sequences that are open without requests end.
      for (let round = 0; round < 8; round++) {
        while (bench.executor.running.length > 0) await bench.finish();
        bench.clock.advance(1_000_000);
        await settle();
      }
      t.is(bench.answers.length, count, `seed ${seed}: an answer each`);
      t.is(bench.statistics.reported, count);
      t.is(bench.batcher.queuedRequests, 0);
      for (const id of sent.keys()) {
        const ran = bench.batches.flatMap((batch) => batch.split(' ')).filter((name) => idOf(name) === id);
        const numbers = ran.map(number);
        t.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
          `seed ${seed}: sequence ${id} is out of order`,
        );
      }
      for (const batch of bench.batches.filter((names) => names.includes(':'))) {
        const rows = batch.split(' ').map((name) => Number.parseInt(name, 10));
        t.true(
          rows.every((row, place) => row < 3 && (place === 0 || row > rows[place - 1]!)),
          batch,
        );
      }
      t.deepEqual(bench.rule.table.counts, { active: 0, backlog: 0 }, `seed ${seed}`);
      t.is(bench.clock.pendingTimers, 0);
    }
  });
}
