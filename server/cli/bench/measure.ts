import { setTimeout as sleep } from 'node:timers/promises';
import { drive, upTo, type Pace, type Sample } from './load.js';
import { isStable, thirds, type Window } from './point.js';
import type { ServerTotals, Target } from './target.js';

/** For how long a load is measured. */
export interface Measurement {
  /** Requests to send before, which do not count. */
  readonly warmUp: number;
  /** Of one window. */
  readonly seconds: number;
  /** Windows after which a load that does not settle is taken as it is. */
  readonly mostWindows: number;
  /** So many requests instead, however long they take; null: windows. */
  readonly requests: number | null;
}

/** So many windows in a row must agree. */
const ALIKE = 3;

/** In flight in a stream where requests leave at a rate: what a server's stream takes by default at most. */
const STREAM_WINDOW = 64;

/** Puts one load on the target and resolves with the windows that count: those that agree, or the last ones. */
export async function measure(target: Target, pace: Pace, streams: number, how: Measurement): Promise<Window[]> {
  const share = 'concurrency' in pace ? Math.ceil(pace.concurrency / Math.max(1, streams)) : STREAM_WINDOW;
  const senders = target.senders(share);
  try {
    await drive(senders, pace, upTo(how.warmUp), () => {});
    if (how.requests === null) return await inWindows(target, how, (more, take) => drive(senders, pace, more, take));
    const samples: Sample[] = [];
    const before = await target.totals();
    await drive(senders, pace, upTo(how.requests), (sample) => samples.push(sample));
    const totals = difference(await target.totals(), before);
    // What the server counted is counted once.
    return thirds(samples).map((window, index) => (index === 0 ? { ...window, totals } : window));
  } finally {
    await Promise.all(senders.map((sender) => sender.close()));
  }
}

async function inWindows(
  target: Target,
  { seconds, mostWindows }: Measurement,
  run: (more: () => boolean, take: (sample: Sample) => void) => Promise<void>,
): Promise<Window[]> {
  let over = false;
  let samples: Sample[] = [];
  // A load that breaks down ends the wait for its window.
  let broken = false;
  const running = run(
    () => !over,
    (sample) => samples.push(sample),
  ).catch((error: unknown) => {
    broken = true;
    throw error;
  });
  running.catch(() => {});
  const windows: Window[] = [];
  let [start, before] = [performance.now(), await target.totals()];
  while (!broken && windows.length < mostWindows && !isStable(windows.slice(-ALIKE))) {
    await Promise.race([sleep(seconds * 1000), running]);
    const [end, after] = [performance.now(), await target.totals()];
    windows.push({ samples, seconds: (end - start) / 1000, totals: difference(after, before) });
    // Older windows do not count any more, and their samples would fill the memory.
    if (windows.length > ALIKE) windows[windows.length - ALIKE - 1] = { samples: [], seconds: 0, totals: null };
    samples = [];
    [start, before] = [end, after];
  }
  over = true;
  await running;
  return windows.slice(-ALIKE);
}

function difference(after: ServerTotals | null, before: ServerTotals | null): ServerTotals | null {
  if (after === null || before === null) return null;
  return {
    requests: after.requests - before.requests,
    inferences: after.inferences - before.inferences,
    executions: after.executions - before.executions,
    queue: after.queue - before.queue,
    input: after.input - before.input,
    infer: after.infer - before.infer,
    output: after.output - before.output,
    total: after.total - before.total,
  };
}
