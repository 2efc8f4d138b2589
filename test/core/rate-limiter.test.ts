import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { withRateLimit } from '../../server/core/limited-executor.js';
import { rateLimiterSchema } from '../../server/core/rate-limiter-config.js';
import { RateLimiter, type ResourceLimit } from '../../server/core/rate-limiter.js';
import { DynamicBatcher, type Ticket } from '../../server/core/dynamic-batcher.js';
import { settle } from '../support/batcher-bench.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeExecutor } from '../support/fake-executor.js';
import { RecordingStatistics } from '../support/recording-statistics.js';
import { makeRequest, type RequestOptions } from '../support/requests.js';

/** Models by name that share a rate limiter, each behind its batcher. */
class LimiterBench {
  readonly clock = new FakeClock();
  readonly limiter: RateLimiter;
  readonly executors = new Map<string, FakeExecutor>();
  readonly batchers = new Map<string, DynamicBatcher>();
  /** Names of the models in the order in which their batches started. */
  readonly started: string[] = [];

  constructor(limits: readonly ResourceLimit[] = []) {
    this.limiter = new RateLimiter(limits);
  }

  async add(name: string, resources: object[], { priority = 1, instances = 1, devices = ['CPU'] } = {}): Promise<void> {
    const executor = new FakeExecutor(instances);
    Object.assign(executor, { devices });
    executor.onStart = () => this.started.push(name);
    const config = rateLimiterSchema.parse({ resources, priority });
    const limited = await withRateLimit(executor, config, this.limiter);
    const policy = {
      maxBatchSize: 1,
      preferredBatchSizes: [],
      maxQueueDelay: 0,
      preserveOrdering: false,
      priorityLevels: 1,
      queueLimits: { requests: 0, bytes: 0 },
    };
    this.batchers.set(name, new DynamicBatcher(policy, limited, this.clock, new RecordingStatistics()));
    this.executors.set(name, executor);
  }

  submit(name: string, options: RequestOptions = {}): Ticket {
    const ticket = this.batchers.get(name)!.enqueue(makeRequest(this.clock.now(), options));
    this.clock.allRead();
    return ticket;
  }

  running(name: string): number {
    return this.executors.get(name)!.running.length;
  }

  async finish(name: string): Promise<void> {
    this.executors.get(name)!.running[0]!.finish();
    await settle();
  }

  /** Ends one batch after the other, whatever runs. */
  async finishAll(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.finish([...this.executors].find(([, { running }]) => running.length > 0)![0]);
    }
  }
}

const R = { name: 'R', global: true };

test('models that share a resource never run at once, and take turns', async (t) => {
  const bench = new LimiterBench();
  await bench.add('a', [R]);
  await bench.add('b', [R]);
  for (const name of ['a', 'a', 'a', 'b', 'b', 'b']) bench.submit(name);
  for (let done = 0; done < 6; done++) {
    t.is(bench.running('a') + bench.running('b'), 1);
    await bench.finishAll(1);
  }
  t.is(bench.started.join(''), 'ababab');
});

test('as many run as there is of the resource', async (t) => {
  const bench = new LimiterBench([{ name: 'R', count: 3, device: null }]);
  await bench.add('a', [{ ...R, count: 2 }], { instances: 4 });
  await bench.add('b', [R], { instances: 4 });
  for (const name of ['a', 'a', 'b', 'b']) bench.submit(name);
  t.deepEqual([bench.running('a'), bench.running('b')], [1, 1], 'b has had less than a');
  await bench.finish('a');
  t.deepEqual([bench.running('a'), bench.running('b')], [1, 1]);
  await bench.finish('a');
  t.deepEqual([bench.running('a'), bench.running('b')], [0, 2]);
});

test('who needs much is not starved by those who need little', async (t) => {
  const bench = new LimiterBench([{ name: 'R', count: 2, device: null }]);
  await bench.add('much', [{ ...R, count: 2 }]);
  await bench.add('little', [R], { instances: 2 });
  for (let count = 0; count < 6; count++) bench.submit('little');
  bench.submit('much');
  t.is(bench.running('little'), 2);
  for (let count = 0; count < 4 && bench.running('much') === 0; count++) await bench.finish('little');
  t.is(bench.running('much'), 1);
  t.is(bench.running('little'), 0);
  await bench.finish('much');
  t.is(bench.running('little'), 2);
});

test('one of priority 2 gets half as many executions as one of priority 1', async (t) => {
  const bench = new LimiterBench();
  await bench.add('often', [R], { priority: 1 });
  await bench.add('seldom', [R], { priority: 2 });
  for (let count = 0; count < 40; count++) {
    bench.submit('often');
    bench.submit('seldom');
  }
  await bench.finishAll(30);
  t.is(bench.started.slice(0, 30).filter((name) => name === 'seldom').length, 10);
});

test('who was away has nothing saved up', async (t) => {
  const bench = new LimiterBench();
  await bench.add('a', [R]);
  await bench.add('b', [R]);
  for (let count = 0; count < 20; count++) bench.submit('a');
  await bench.finishAll(10);
  for (let count = 0; count < 5; count++) bench.submit('b');
  await bench.finishAll(6);
  const since = bench.started.slice(10, 17);
  t.true(since.filter((name) => name === 'a').length >= 3, since.join(''));
});

test('a request that is withdrawn or expires while it waits never runs, and lets the others go on', async (t) => {
  const bench = new LimiterBench([{ name: 'R', count: 2, device: null }]);
  await bench.add('much', [{ ...R, count: 2 }]);
  await bench.add('little', [R], { instances: 2 });
  bench.submit('little');
  const withdrawn = bench.submit('much');
  bench.submit('little');
  t.is(bench.running('little'), 1, 'the rest is kept for the one that waits for longer');
  t.true(withdrawn.withdraw(new ServingError('CANCELLED', 'nobody waits')));
  await settle();
  t.is(bench.running('little'), 2);
  await bench.finish('little');
  const expired = bench.submit('much', { deadlineAt: bench.clock.now() + 5000 });
  bench.submit('little');
  t.is(bench.running('little'), 1);
  bench.clock.advance(5000);
  t.is((await expired.response).outcome instanceof ServingError, true);
  await settle();
  t.is(bench.running('little'), 2);
  t.false(bench.started.includes('much'));
});

test('resources that are not global are those of each device', async (t) => {
  const bench = new LimiterBench([
    { name: 'R', count: 1, device: null },
    { name: 'R', count: 2, device: 'GPU 1' },
  ]);
  const own = { name: 'R' };
  await bench.add('cpu', [own], { instances: 4 });
  await bench.add('first', [own], { devices: ['GPU 0'], instances: 4 });
  await bench.add('second', [own], { devices: ['GPU 1'], instances: 4 });
  for (const name of ['cpu', 'first', 'second']) for (let count = 0; count < 3; count++) bench.submit(name);
  t.deepEqual(
    ['cpu', 'first', 'second'].map((name) => bench.running(name)),
    [1, 1, 2],
  );
});

test('a batch that fails gives its resources back', async (t) => {
  const bench = new LimiterBench();
  await bench.add('a', [R]);
  await bench.add('b', [R]);
  bench.submit('a');
  bench.submit('b');
  bench.executors.get('a')!.running[0]!.fail(new ServingError('INSTANCE_LOST', 'it died'));
  await settle();
  t.is(bench.running('b'), 1);
});

test('a model that can never have its resources is refused, and its executor closed', async (t) => {
  const limiter = new RateLimiter([{ name: 'R', count: 1, device: null }]);
  const executor = new FakeExecutor();
  const refused = async (resource: object) => {
    const config = rateLimiterSchema.parse({ resources: [resource] });
    return await t.throwsAsync(withRateLimit(executor, config, limiter), { code: 'MODEL_INVALID' });
  };
  t.regex(
    (await refused({ ...R, count: 2 }))!.message,
    /takes 2 of resource R, and there are 1: raise --rate-limit-resource/,
  );
  t.true(executor.disposed);
  await withRateLimit(new FakeExecutor(), rateLimiterSchema.parse({ resources: [R] }), limiter);
  t.regex((await refused({ name: 'R' }))!.message, /resource R is of each device, and not so in another model/);
});

test('what is limited by nobody is as much as the model takes that takes most', async (t) => {
  const bench = new LimiterBench();
  await bench.add('a', [{ ...R, count: 1 }], { instances: 5 });
  await bench.add('b', [{ ...R, count: 3 }]);
  for (let count = 0; count < 5; count++) bench.submit('a');
  t.is(bench.running('a'), 3);
});
