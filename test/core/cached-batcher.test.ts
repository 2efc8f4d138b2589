import test from 'ava';
import { CachedBatcher } from '../../server/core/cached-batcher.js';
import { ServingError } from '../../server/core/errors.js';
import type { InferenceResponse } from '../../server/core/inference.js';
import { requestKey } from '../../server/core/request-key.js';
import { ResponseCache } from '../../server/core/response-cache.js';
import { BatcherBench, settle, Submitted, type BenchOptions } from '../support/batcher-bench.js';
import { goodResult } from '../support/fake-executor.js';
import { makeRequest, type RequestOptions } from '../support/requests.js';
import { tensor, tensorRequest } from '../support/tensors.js';

/** A cache in front of a batcher on a bench. */
class CacheBench {
  readonly bench: BatcherBench;
  readonly cache: ResponseCache;
  readonly space;
  readonly cached: CachedBatcher;

  constructor({ capacity = 1_000_000, ...options }: BenchOptions & { readonly capacity?: number } = {}) {
    this.bench = new BatcherBench({ maxBatchSize: 1, ...options });
    this.cache = ResponseCache.create(capacity)!;
    this.space = this.cache.open(false);
    const { batcher, clock, statistics } = this.bench;
    this.cached = new CachedBatcher(batcher, this.space, options.queueLimits ?? NO_LIMITS, clock, statistics);
  }

  /** A request for a picture of so many bytes, which is what tells pictures apart here. */
  submit(bytes: number, options: RequestOptions = {}): Submitted {
    const request = makeRequest(this.bench.clock.now(), { bytes, ...options });
    const submitted = new Submitted(String(bytes), this.cached.enqueue(request));
    this.bench.clock.allRead();
    return submitted;
  }

  get started(): number {
    return this.bench.executor.started.length;
  }

  async finish(mark: number): Promise<void> {
    this.bench.executor.running[0]!.finish([goodResult(mark)]);
    await settle();
  }
}

const NO_LIMITS = { requests: 0, bytes: 0 };
const cancelled = () => new ServingError('CANCELLED', 'nobody waits');

function valueOf({ answers }: Submitted): number | undefined {
  const [answer] = answers;
  return answer === undefined ? undefined : table(answer)[0];
}

function table({ outcome }: InferenceResponse): Float32Array {
  if (outcome instanceof ServingError || !('values' in outcome)) throw new Error('no table');
  return outcome.values;
}

test('an equal request is answered with what was computed, and another one is computed', async (t) => {
  const bench = new CacheBench();
  bench.submit(10);
  await bench.finish(7);
  const again = bench.submit(10);
  const other = bench.submit(11);
  await settle();
  t.is(valueOf(again), 7);
  t.is(again.answers[0]!.timings.batchSize, 0);
  t.false(other.settled);
  t.is(bench.started, 2);
  const { hits, misses, totals } = bench.bench.statistics;
  t.deepEqual([hits.length, misses, totals.length], [1, 1, 1]);
});

test('nobody who gets an answer can change what the next one gets', async (t) => {
  const bench = new CacheBench();
  const first = bench.submit(10);
  const follower = bench.submit(10);
  await bench.finish(7);
  const second = bench.submit(10);
  await settle();
  for (const { answers } of [first, follower, second])
    structuredClone(0, { transfer: [table(answers[0]!).buffer as ArrayBuffer] });
  const third = bench.submit(10);
  await settle();
  t.is(valueOf(third), 7);
});

test('failures are not kept', async (t) => {
  const bench = new CacheBench();
  const first = bench.submit(10);
  bench.bench.executor.running[0]!.fail(new ServingError('INSTANCE_LOST', 'gone'));
  await settle();
  t.is(first.code, 'INSTANCE_LOST');
  bench.submit(10);
  t.is(bench.started, 2);
  t.is(bench.bench.statistics.misses, 0);
});

test('an answer with a row that failed is not kept', async (t) => {
  const bench = new CacheBench();
  bench.submit(10);
  const good = goodResult(1);
  const outcome = { ...(good.outcome as object), rowErrors: [new ServingError('BAD_IMAGE', 'no such region')] };
  bench.bench.executor.running[0]!.finish([{ ...good, outcome: outcome as never }]);
  await settle();
  bench.submit(10);
  t.is(bench.started, 2);
});

test('equal requests that come together are computed once, and each gets the answer', async (t) => {
  const bench = new CacheBench();
  const all = [bench.submit(10), bench.submit(10), bench.submit(10)];
  t.is(bench.cached.waiting.requests, 2);
  t.is(bench.cached.waiting.bytes, 20);
  await bench.finish(5);
  t.deepEqual(all.map(valueOf), [5, 5, 5]);
  t.is(bench.started, 1);
  t.deepEqual(bench.cached.waiting, { requests: 0, bytes: 0 });
  t.is(bench.bench.statistics.reported, 3);
});

test('when the queued one of them is withdrawn, the next is computed in its place', async (t) => {
  const bench = new CacheBench();
  bench.submit(99);
  const leader = bench.submit(10);
  const [second, third] = [bench.submit(10), bench.submit(10)];
  t.true(leader.ticket.withdraw(cancelled()));
  await settle();
  t.is(leader.code, 'CANCELLED');
  t.is(bench.bench.batcher.queuedRequests, 1);
  await bench.finish(0);
  await bench.finish(4);
  t.deepEqual([valueOf(second), valueOf(third)], [4, 4]);
  t.is(bench.started, 2);
});

test('one that took the place of another can be withdrawn as well', async (t) => {
  const bench = new CacheBench();
  bench.submit(99);
  const [leader, second, third] = [bench.submit(10), bench.submit(10), bench.submit(10)];
  leader.ticket.withdraw(cancelled());
  await settle();
  t.true(second.ticket.withdraw(cancelled()));
  await settle();
  t.is(second.code, 'CANCELLED');
  await bench.finish(0);
  await bench.finish(4);
  t.is(valueOf(third), 4);
  t.is(bench.started, 2);
});

test('when all of them are withdrawn, none is computed, and the next one is', async (t) => {
  const bench = new CacheBench();
  bench.submit(99);
  const all = [bench.submit(10), bench.submit(10)];
  for (const { ticket } of [...all].reverse()) t.true(ticket.withdraw(cancelled()));
  await settle();
  await bench.finish(0);
  t.is(bench.started, 1);
  t.deepEqual(
    all.map(({ code }) => code),
    ['CANCELLED', 'CANCELLED'],
  );
  bench.submit(10);
  t.is(bench.started, 2);
});

test('one that waits for another leaves at once when it is withdrawn, and when its deadline passes', async (t) => {
  const bench = new CacheBench();
  const leader = bench.submit(10);
  const withdrawn = bench.submit(10);
  const late = bench.submit(10, { deadlineAt: bench.bench.clock.now() + 5000 });
  t.true(withdrawn.ticket.withdraw(cancelled()));
  t.false(withdrawn.ticket.withdraw(cancelled()));
  bench.bench.clock.advance(5000);
  await settle();
  t.deepEqual([withdrawn.code, late.code, leader.settled], ['CANCELLED', 'DEADLINE_EXCEEDED', false]);
  await bench.finish(3);
  t.is(valueOf(leader), 3);
  t.is(bench.bench.clock.pendingTimers, 0);
  t.deepEqual(bench.bench.statistics.failures, ['CANCELLED', 'DEADLINE_EXCEEDED']);
});

test('those without a deadline outlive the queued one whose deadline passes', async (t) => {
  const bench = new CacheBench();
  bench.submit(99);
  const leader = bench.submit(10, { deadlineAt: bench.bench.clock.now() + 5000 });
  const patient = bench.submit(10);
  bench.bench.clock.advance(5000);
  await settle();
  t.is(leader.code, 'DEADLINE_EXCEEDED');
  await bench.finish(0);
  await bench.finish(2);
  t.is(valueOf(patient), 2);
});

test('whoever is more urgent does not wait for the less urgent', (t) => {
  const bench = new CacheBench({ priorityLevels: 2 });
  bench.submit(99);
  bench.submit(10, { priority: 2 });
  bench.submit(10, { priority: 1 });
  t.is(bench.bench.batcher.queuedRequests, 2);
  t.is(bench.cached.waiting.requests, 0);
});

test('no more wait for an equal one than may be queued', (t) => {
  const bench = new CacheBench({ queueLimits: { requests: 1, bytes: 0 } });
  bench.submit(10);
  bench.submit(10);
  bench.submit(10);
  t.is(bench.cached.waiting.requests, 1);
  t.is(bench.bench.batcher.queuedRequests, 1);
  t.throws(() => bench.submit(10), { code: 'QUEUE_FULL' });
});

test('the answers that were not asked for for longest make room', async (t) => {
  // An answer of one number takes somewhat over 1 KiB.
  const bench = new CacheBench({ capacity: 3000 });
  for (const bytes of [1, 2]) {
    bench.submit(bytes);
    await bench.finish(bytes);
  }
  bench.submit(1);
  bench.submit(3);
  await bench.finish(3);
  t.like(bench.cache.counts, { entries: 2, evictions: 1 });
  t.true(bench.cache.counts.used <= 1);
  bench.submit(1);
  t.is(bench.started, 3, '1 was asked for after 2');
  bench.submit(2);
  t.is(bench.started, 4);
});

test('an answer larger than the cache is not kept and takes nothing away', async (t) => {
  const bench = new CacheBench({ capacity: 3000 });
  bench.submit(1);
  await bench.finish(1);
  bench.submit(2);
  const values = new Float32Array(1000);
  bench.bench.executor.running[0]!.finish([
    { width: 1, height: 1, outcome: { rows: 1, columns: 1000, values, rowErrors: null, attachments: [] } },
  ]);
  await settle();
  t.like(bench.cache.counts, { entries: 1, evictions: 0 });
});

test('a view of a large batch counts and keeps only itself', async (t) => {
  const bench = new CacheBench({ capacity: 3000 });
  bench.submit(1);
  const values = new Float32Array(1_000_000).subarray(5, 6);
  bench.bench.executor.running[0]!.finish([
    { width: 1, height: 1, outcome: { rows: 1, columns: 1, values, rowErrors: null, attachments: [] } },
  ]);
  await settle();
  t.is(bench.cache.counts.entries, 1);
  const [again] = [bench.submit(1)];
  await settle();
  t.is(table(again.answers[0]!).buffer.byteLength, 4);
});

test('another load of a version finds nothing of the one before it, and what is closed holds nothing', (t) => {
  const cache = ResponseCache.create(100_000)!;
  const [before, after] = [cache.open(false), cache.open(false)];
  before.keep(before.place('x'), goodResult());
  t.is(after.find(after.place('x')), null);
  t.not(before.find(before.place('x')), null);
  before[Symbol.dispose]();
  t.like(cache.counts, { entries: 0, used: 0 });
});

test('what was computed while a model changed is not kept for what is composed of models', (t) => {
  const cache = ResponseCache.create(100_000)!;
  const [plain, composed] = [cache.open(false), cache.open(true)];
  plain.keep(plain.place('x'), goodResult());
  composed.keep(composed.place('x'), goodResult());
  const place = composed.place('y');
  cache.modelsChanged();
  composed.keep(place, goodResult());
  t.is(composed.find(composed.place('x')), null);
  t.is(composed.find(composed.place('y')), null);
  t.not(plain.find(plain.place('x')), null);
  t.is(cache.counts.entries, 1);
});

test('requests have the same key only when all that they ask is the same', (t) => {
  const picture = (options: object) => requestKey({ ...makeRequest(0, { bytes: 4 }), ...options });
  const region = (left: number) => {
    const box = { kind: 'box', left, top: 0, right: 1, bottom: 1 };
    return picture({ parameters: { kind: 'embed', regions: [box] } });
  };
  const raw = (width: number, height: number) =>
    picture({
      content: { kind: 'raw', format: 'gray8', width, height, stride: width, bytes: new Uint8Array(4) },
    });
  const tensors = (name: string, shape: number[], values: number[], outputs: string[] | null = null) =>
    requestKey(tensorRequest([tensor(name, 'FP32', shape, Float32Array.from(values))], 1, outputs));
  const two = (first: string, second: string) =>
    requestKey(tensorRequest([tensor('a', 'BYTES', [1], [first]), tensor('b', 'BYTES', [1], [second])], 1));
  const keys = [
    picture({}),
    picture({ content: { kind: 'encoded', bytes: Uint8Array.of(0, 0, 0, 1) } }),
    picture({ content: { kind: 'text', text: 'a' } }),
    picture({ content: { kind: 'text', text: 'b' } }),
    picture({ parameters: { kind: 'embed', regions: [] } }),
    region(0),
    region(-0),
    region(NaN),
    region(Infinity),
    region(-Infinity),
    raw(4, 1),
    raw(1, 4),
    tensors('a', [1, 2], [1, 2]),
    tensors('b', [1, 2], [1, 2]),
    tensors('a', [2, 1], [1, 2]),
    tensors('a', [1, 2], [1, 3]),
    tensors('a', [1, 2], [1, 2], ['x']),
    tensors('a', [1, 2], [1, 2], ['x', 'y']),
    two('xy', 'z'),
    two('x', 'yz'),
  ];
  t.is(new Set(keys).size, keys.length);
  t.true(keys.every((key) => key !== null));
  t.is(tensors('a', [1, 2], [1, 2]), tensors('a', [1, 2], [1, 2]));
  t.is(picture({ deadlineAt: 5, priority: 2, arrivedAt: 9 }), keys[0]!);
  t.is(picture({ keep: 'any' }), null);
});
