import test from 'ava';
import { linearAxis, logarithmicAxis } from '../../server/cli/bench/axis.js';
import { parseCounts, parseRates, parseShape } from '../../server/cli/bench/flags.js';
import { drive, MOST_IN_FLIGHT, upTo, type Sample } from '../../server/cli/bench/load.js';
import { isStable, percentile, summarize, thirds, type Window } from '../../server/cli/bench/point.js';
import { StreamSender } from '../../server/cli/bench/stream-sender.js';
import type { Outcome, Sender } from '../../server/cli/bench/target.js';

const ANSWERED: Outcome = { failure: null, timings: null };

/** A sender whose requests are answered when the test says so. */
class HeldSender implements Sender {
  readonly #held: ((outcome: Outcome) => void)[] = [];
  most = 0;

  send(): Promise<Outcome> {
    const answer = new Promise<Outcome>((resolve) => this.#held.push(resolve));
    this.most = Math.max(this.most, this.#held.length);
    return answer;
  }

  answer(outcome = ANSWERED): void {
    this.#held.shift()?.(outcome);
  }

  get inFlight(): number {
    return this.#held.length;
  }

  async close(): Promise<void> {}
}

/** Lets everything run that waits for nothing but its turn. */
async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('In a closed loop as many requests are in flight as asked for, and one leaves for each that is answered', async (t) => {
  const sender = new HeldSender();
  const samples: Sample[] = [];
  const driving = drive([sender], { concurrency: 3 }, upTo(5), (sample) => samples.push(sample));
  await turns();
  t.is(sender.inFlight, 3);
  sender.answer();
  await turns();
  t.deepEqual([sender.inFlight, samples.length], [3, 1]);
  for (let left = 4; left > 0; left--) {
    sender.answer();
    await turns();
  }
  await driving;
  t.deepEqual([sender.most, samples.length], [3, 5]);
});

test('On a schedule requests leave when due although none is answered, up to what fits into the memory', async (t) => {
  const sender = new HeldSender();
  const samples: Sample[] = [];
  const count = MOST_IN_FLIGHT + 8;
  const pace = { rate: 1e6, arrivals: 'constant' } as const;
  const driving = drive([sender], pace, upTo(count), (sample) => samples.push(sample));
  while (sender.inFlight < MOST_IN_FLIGHT) await turns();
  await turns();
  t.is(sender.inFlight, MOST_IN_FLIGHT);
  while (samples.length < count) {
    sender.answer();
    await turns(1);
  }
  await driving;
  t.is(sender.most, MOST_IN_FLIGHT);
  // Those that had to wait count from when they were due, a microsecond after the one before.
  const due = samples.map(({ dueAt }) => dueAt - samples[0]!.dueAt);
  t.true(due.every((at, index) => Math.abs(at - index / 1000) < 1e-6));
  const held = samples.at(-1)!;
  t.true(held.sentAt > held.dueAt && held.answeredAt >= held.sentAt);
});

test('What breaks in a sender, other than a failed request, ends a load', async (t) => {
  const broken: Sender = { send: () => Promise.reject(new Error('a mistake')), close: async () => {} };
  for (const pace of [{ concurrency: 2 }, { rate: 1000, arrivals: 'poisson' as const }]) {
    await t.throwsAsync(
      drive([broken], pace, upTo(5), () => {}),
      { message: 'a mistake' },
    );
  }
});

test('A stream that fails fails all that it had not answered, and is opened anew', async (t) => {
  let opened = 0;
  async function* answers(items: AsyncIterable<number>): AsyncGenerator<Outcome> {
    opened += 1;
    for await (const item of items) {
      if (item === 3) throw Object.assign(new Error('14 UNAVAILABLE: gone'), { code: 14, details: 'gone' });
      yield ANSWERED;
    }
  }
  let next = 0;
  const sender = new StreamSender(answers, () => ++next);
  const outcomes = await Promise.all([sender.send(), sender.send(), sender.send(), sender.send()]);
  const gone = { status: 'UNAVAILABLE', message: 'gone' };
  t.deepEqual(
    outcomes.map(({ failure }) => failure),
    [null, null, gone, gone],
  );
  t.is(opened, 1);
  t.is((await sender.send()).failure, null);
  await sender.close();
  t.is(opened, 2);
});

/** A window of a second with answers of these latencies, in milliseconds, spread evenly. */
function window(...latencies: readonly number[]): Window {
  const samples = latencies.map((latency, index) => ({
    ...ANSWERED,
    dueAt: index,
    sentAt: index,
    answeredAt: index + latency,
  }));
  return { samples, seconds: 1, totals: null };
}

test('Windows are stable when there are three of one pace and one latency, within 10 %', (t) => {
  const even = window(10, 10, 10, 10, 10, 10, 10, 10, 10, 10);
  t.false(isStable([even, even]));
  t.true(isStable([even, even, even]));
  t.true(isStable([even, even, window(10, 10, 10, 10, 10, 10, 10, 10, 10)]));
  t.false(isStable([even, even, window(10, 10, 10, 10, 10, 10, 10, 10)]), 'a slower pace');
  t.false(isStable([even, even, window(...Array<number>(10).fill(12))]), 'a longer latency');
  t.false(isStable([window(), window(), window()]), 'no answer at all');
});

test('A point counts failures by status, and neither their pace nor their latency as that of answers', (t) => {
  const failure = { status: 'UNAVAILABLE', message: 'gone' };
  const failed = { failure, timings: null, dueAt: 0, sentAt: 0, answeredAt: 1000 };
  const way = { protocol: 'kserve', call: 'ModelInfer', connections: 1, streams: 0, shared_memory: 'none' } as const;
  const shape = { label: 'a', model: 'm', ...way };
  const { samples } = window(1, 2, 3, 4);
  const windows = [{ samples: [...samples, failed], seconds: 2, totals: null }];
  const point = summarize({ ...shape, pace: { concurrency: 4 } }, windows);
  t.deepEqual([point.requests, point.errors, point.errors_by_status], [5, 1, { UNAVAILABLE: 1 }]);
  t.is(point.requests_per_second, 2);
  t.deepEqual(point.latency_us, { p50: 2000, p90: 4000, p95: 4000, p99: 4000 });
  t.is(point.server_us, null);
});

test('Answers that came in one go are cut into thirds that follow on each other', (t) => {
  const samples = Array.from({ length: 7 }, (_, index) => ({
    ...ANSWERED,
    dueAt: index * 1000,
    sentAt: index * 1000,
    answeredAt: (index + 1) * 1000,
  }));
  t.deepEqual(
    thirds(samples).map(({ samples: part, seconds }) => [part.length, seconds]),
    [
      [3, 3],
      [3, 3],
      [1, 1],
    ],
  );
  t.deepEqual(thirds([]), []);
});

test('A percentile is the nearest rank', (t) => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  t.deepEqual(
    [0.5, 0.99, 1].map((fraction) => percentile(values, fraction)),
    [50, 99, 100],
  );
  t.is(percentile([], 0.5), 0);
});

test('Sweeps are lists or ranges with their end, and nothing else', (t) => {
  t.deepEqual(parseCounts('1, 8,32'), [1, 8, 32]);
  t.deepEqual(parseCounts('1:8:3'), [1, 4, 7]);
  t.deepEqual(parseRates('100:500:100'), [100, 200, 300, 400, 500]);
  t.is(parseRates('0.1:0.5:0.1').length, 5);
  for (const text of ['1:2', '1:2:3:4', '8:1:1', '1:100000:1', ':', '1.5', ''])
    t.throws(() => parseCounts(text), undefined, text);
  t.deepEqual(
    [...parseShape('a:b:1,3', new Map([['x', [2]]]))],
    [
      ['x', [2]],
      ['a:b', [1, 3]],
    ],
  );
  for (const text of ['x', 'x:', ':1', 'x:0', 'x:-1']) t.throws(() => parseShape(text), undefined, text);
});

test('Axes end at round numbers around their values', (t) => {
  t.deepEqual(linearAxis(8316).ticks, [0, 2000, 4000, 6000, 8000, 10000]);
  t.deepEqual(linearAxis(10).ticks, [0, 2, 4, 6, 8, 10]);
  t.is(linearAxis(10).place(5), 0.5);
  const axis = logarithmicAxis(0.36, 11);
  t.deepEqual(
    axis.ticks.map((tick) => Number(tick.toPrecision(3))),
    [0.2, 0.5, 1, 2, 5, 10, 20],
  );
  t.is(axis.place(20), 1);
  t.true(Math.abs(axis.place(2) - 0.5) < 1e-9);
});
