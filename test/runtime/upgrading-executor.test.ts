import test from 'ava';
import { systemClock } from '../../server/core/clock.js';
import { DynamicBatcher } from '../../server/core/dynamic-batcher.js';
import type { InferenceResponse } from '../../server/core/inference.js';
import { UpgradingExecutor } from '../../server/runtime/upgrading-executor.js';
import { eventually } from '../support/eventually.js';
import { FakeExecutor } from '../support/fake-executor.js';
import { RecordingStatistics } from '../support/recording-statistics.js';
import { makeRequest } from '../support/requests.js';

interface Stage {
  readonly first: FakeExecutor;
  readonly next: FakeExecutor;
  readonly log: string[];
  readonly upgrading: UpgradingExecutor;
  /** Lets the better executor be ready, or fail. */
  readonly finish: (failure?: Error) => void;
  signal: AbortSignal | null;
}

function stage(instances = 1): Stage {
  const [first, next] = [new FakeExecutor(1), new FakeExecutor(instances)];
  const log: string[] = [];
  let resolve!: (executor: FakeExecutor) => void;
  let reject!: (error: Error) => void;
  const ready = new Promise<FakeExecutor>((...ends) => ([resolve, reject] = ends));
  const made: Stage = {
    first,
    next,
    log,
    finish: (failure) => (failure === undefined ? resolve(next) : reject(failure)),
    signal: null,
    upgrading: new UpgradingExecutor(first, {
      create: (signal) => {
        queueMicrotask(() => (made.signal = signal));
        return ready;
      },
      log: (level, message) => log.push(`${level} ${message}`),
    }),
  };
  return made;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('it serves with the first executor until the better one is ready, and with that afterwards', async (t) => {
  const { upgrading, first, next, finish, log } = stage(3);
  t.deepEqual([upgrading.instances, upgrading.idle], [1, 1]);
  const early = upgrading.execute([makeRequest(0)]);
  t.is(upgrading.idle, 0);
  let woken = 0;
  upgrading.onIdle = () => (woken += 1);
  finish();
  await settle();
  t.deepEqual([upgrading.instances, upgrading.idle, woken], [3, 3, 1]);
  void upgrading.execute([makeRequest(0)]);
  t.deepEqual([first.started.length, next.started.length], [1, 1]);
  first.running[0]?.finish();
  await t.notThrowsAsync(early);
  t.true(first.disposed);
  t.deepEqual(log, ['info the model has moved from the CPU to the GPU']);
});

test('an instance that becomes idle is told of, of whichever executor serves', async (t) => {
  const { upgrading, first, next, finish } = stage();
  let woken = 0;
  upgrading.onIdle = () => (woken += 1);
  first.onIdle();
  t.is(woken, 1);
  finish();
  await settle();
  first.onIdle();
  t.is(woken, 2, 'once for the move, and not for the old one');
  next.onIdle();
  t.is(woken, 3);
});

test('when the better one fails, the first goes on and the log says why', async (t) => {
  const { upgrading, first, finish, log } = stage();
  finish(new Error('node 7 is not supported'));
  await settle();
  t.false(first.disposed);
  void upgrading.execute([makeRequest(0)]);
  t.is(first.started.length, 1);
  t.deepEqual(log, ['error the model stays on the CPU: node 7 is not supported']);
});

test('its end is that of both: what is still being made is told to end, and closed if it comes all the same', async (t) => {
  const made = stage();
  await settle();
  const disposed = made.upgrading[Symbol.asyncDispose]();
  t.true(made.signal?.aborted);
  made.finish();
  await disposed;
  t.deepEqual([made.first.disposed, made.next.disposed], [true, true]);
  t.deepEqual(made.log, []);
});

test('under load, not a frame is lost or answered twice', async (t) => {
  const { upgrading, first, next, finish } = stage(2);
  for (const executor of [first, next]) {
    executor.onStart = (batch) =>
      setTimeout(() => {
        batch.finish();
        executor.onIdle();
      }, 2);
  }
  const policy = {
    maxBatchSize: 4,
    preferredBatchSizes: [],
    maxQueueDelay: 0,
    preserveOrdering: false,
    priorityLevels: 1,
    queueLimits: { requests: 10_000, bytes: 0 },
  };
  const batcher = new DynamicBatcher(policy, upgrading, systemClock, new RecordingStatistics());
  const answers: Promise<InferenceResponse>[] = [];
  for (let wave = 0; wave < 40; wave++) {
    for (let frame = 0; frame < 10; frame++) {
      answers.push(batcher.enqueue(makeRequest(systemClock.now())).response);
    }
    if (wave === 15) finish();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const outcomes = await Promise.all(answers);
  t.false(outcomes.some(({ outcome }) => outcome instanceof Error));
  const rows = (executor: FakeExecutor) => executor.started.reduce((sum, batch) => sum + batch.requests.length, 0);
  t.is(rows(first) + rows(next), 400);
  t.true(rows(first) > 0 && rows(next) > 0);
  await eventually('the first is closed', () => first.disposed || undefined);
  await batcher.stop();
});
