import type { Clock } from './clock.js';

/** What a server does on its way out. */
export interface DrainSteps {
  /** Tells whoever hands out work that there is none for this server any more; what still comes is taken. */
  readonly leave: () => void;
  /** Takes nothing more. Resolves when what was taken is answered. */
  readonly close: () => Promise<void>;
}

/** How long the steps last, in seconds. */
export interface DrainTimes {
  /** From `leave` to `close`: until load balancers have seen it. */
  readonly drainDelay: number;
  /** What `close` may take. */
  readonly exitTimeout: number;
}

/**
 * Leaves, waits and closes. True when everything was answered in time. `hurry` ends the wait early: there is nothing left
 * that could answer.
 */
export async function drainInOrder(
  { leave, close }: DrainSteps,
  { drainDelay, exitTimeout }: DrainTimes,
  hurry: AbortSignal,
  clock: Clock,
): Promise<boolean> {
  leave();
  if (drainDelay > 0 && !hurry.aborted) await passed(clock, drainDelay, hurry);
  const over = new AbortController();
  const closed = close().then(() => true);
  const finished = await Promise.race([closed, passed(clock, exitTimeout, over.signal).then(() => false)]);
  over.abort();
  return finished;
}

/** Resolves after so many seconds, or when `signal` is aborted. */
function passed(clock: Clock, seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.schedule(seconds * 1e6, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
