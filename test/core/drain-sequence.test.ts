import test from 'ava';
import { drainInOrder, type DrainTimes } from '../../server/core/drain-sequence.js';
import { FakeClock } from '../support/fake-clock.js';

const SECOND = 1_000_000;

/** A drain under way: the steps it has come to, with the seconds since its start. */
function drain(times: DrainTimes) {
  const clock = new FakeClock();
  const start = clock.now();
  const steps: string[] = [];
  const step = (name: string): number => steps.push(`${name} at ${(clock.now() - start) / SECOND}`);
  const hurry = new AbortController();
  let answered!: () => void;
  const close = (): Promise<void> => {
    step('close');
    return new Promise((resolve) => (answered = resolve));
  };
  const finished = drainInOrder({ leave: () => step('leave'), close }, times, hurry.signal, clock);
  const pass = async (seconds: number): Promise<void> => {
    clock.advance(seconds * SECOND);
    // What was waited for goes on in the turn after.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, steps, hurry, finished, pass, answered: () => answered() };
}

test('it leaves at once, closes after the delay, and is done when everything is answered', async (t) => {
  const { clock, steps, finished, pass, answered } = drain({ drainDelay: 5, exitTimeout: 30 });
  t.deepEqual(steps, ['leave at 0']);
  await pass(4.9);
  t.deepEqual(steps, ['leave at 0']);
  await pass(0.1);
  t.deepEqual(steps, ['leave at 0', 'close at 5']);
  await pass(29.9);
  answered();
  t.true(await finished);
  t.is(clock.pendingTimers, 0);
});

test('--exit-timeout counts from the end of the delay', async (t) => {
  const { steps, finished, pass } = drain({ drainDelay: 5, exitTimeout: 30 });
  await pass(5);
  await pass(30);
  t.false(await finished);
  t.deepEqual(steps, ['leave at 0', 'close at 5']);
});

test('without a delay it leaves and closes in one turn', async (t) => {
  const { steps, finished, answered } = drain({ drainDelay: 0, exitTimeout: 30 });
  t.deepEqual(steps, ['leave at 0', 'close at 0']);
  answered();
  t.true(await finished);
});

test('what can answer nothing any more does not wait out the delay, nor begins it', async (t) => {
  const { clock, steps, hurry, finished, pass, answered } = drain({ drainDelay: 5, exitTimeout: 30 });
  await pass(2);
  hurry.abort();
  await pass(0);
  t.deepEqual(steps, ['leave at 0', 'close at 2']);
  answered();
  t.true(await finished);
  t.is(clock.pendingTimers, 0);

  const lost = new AbortController();
  lost.abort();
  const order: string[] = [];
  const steps2 = { leave: () => void order.push('leave'), close: async () => void order.push('close') };
  t.true(await drainInOrder(steps2, { drainDelay: 5, exitTimeout: 30 }, lost.signal, new FakeClock()));
  t.deepEqual(order, ['leave', 'close']);
});
