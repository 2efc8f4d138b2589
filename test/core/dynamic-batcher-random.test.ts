import test from 'ava';
import type { BatchingPolicy } from '../../server/core/dynamic-batcher.js';
import { ServingError } from '../../server/core/errors.js';
import { Random } from '../support/random.js';
import { BatcherModel } from './batcher-model.js';

const RUNS = 60;
const OPERATIONS = 150;

function randomPolicy(random: Random): BatchingPolicy {
  const maxBatchSize = random.int(1, 8);
  return {
    maxBatchSize,
    preferredBatchSizes: random.chance(0.3) ? [random.int(1, maxBatchSize)] : [],
    maxQueueDelay: random.pick([0, 0, 300, 2000, 5000]),
    preserveOrdering: random.chance(0.4),
    priorityLevels: random.int(1, 3),
    queueLimits: { requests: random.pick([0, 5, 20]), bytes: random.pick([0, 1000]) },
  };
}

function operate(model: BatcherModel, policy: BatchingPolicy, random: Random): void {
  const { executor, clock, known } = model;
  const dice = random.int(1, 100);
  if (dice <= 55) {
    model.enqueue({
      rows: random.chance(0.8) ? 1 : random.int(1, policy.maxBatchSize + 2),
      bytes: random.int(0, 300),
      batchKey: random.chance(0.8) ? '' : 'other',
      priority: random.int(1, policy.priorityLevels),
      deadlineAt: random.chance(0.5) ? null : clock.now() + random.int(-1, 30) * 200,
    });
  } else if (dice <= 65) {
    const item = random.pick(known.slice(-10));
    if (item !== undefined) model.withdraw(item);
  } else if (dice <= 80) random.pick(executor.running)?.finish();
  else if (dice <= 84) random.pick(executor.running)?.fail(new ServingError('DEVICE_OUT_OF_MEMORY', 'no memory'));
  else if (dice <= 94) clock.advance(random.int(0, 3000));
  else if (dice <= 96) {
    clock.stall(random.int(0, 3000));
    executor.onIdle();
  } else if (dice <= 97) clock.turn();
  else if (dice <= 98) executor.add();
  else if (executor.instances > 0) {
    const batch = executor.idle > 0 ? undefined : executor.running[0];
    executor.lose(batch);
  }
}

test(`whatever happens in ${RUNS * OPERATIONS} random operations, each request is answered once and every rule holds`, async (t) => {
  let requests = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Random(seed);
    const policy = randomPolicy(random);
    const model = new BatcherModel(policy, random.int(1, 3));
    for (let operation = 0; operation < OPERATIONS; operation++) {
      operate(model, policy, random);
      await model.checkQueue();
    }
    await model.finish();
    requests += model.known.length;
    t.deepEqual(model.faults, [], `seed ${seed}, policy ${JSON.stringify(policy)}`);
  }
  t.true(requests > 1000, 'the operations are worth something');
});
