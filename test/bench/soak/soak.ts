import { Random } from '../../support/random.js';
import { median } from '../figures.js';
import { serverUsage } from '../usage.js';
import { frameKinds } from './frames.js';
import type { Kind } from './kind.js';
import { operationKinds } from './operations.js';
import { SoakServer } from './soak-server.js';
import { tensorKinds } from './tensors.js';

export interface SoakOptions {
  /** Frames and calls, good and bad, at least. */
  readonly requests: number;
  readonly seed: number;
  readonly onSample?: (sample: SoakSample) => void;
}

/** Memory of the server on the way, in bytes. */
export interface SoakSample {
  /** Answered by then. */
  readonly requests: number;
  readonly rss: number;
  /** The JavaScript heap of its main thread, garbage included. */
  readonly heap: number;
}

export interface SoakResult {
  readonly requests: number;
  /** Requests by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly samples: readonly SoakSample[];
  /** Streams that are open and requests that wait, after the end: 0 each. */
  readonly leftOver: readonly number[];
}

/** Clients at work at a time. */
const CLIENTS = 12;
const SAMPLES = 50;
/** The part of a run in which compilers and allocators take what they need. */
const WARM_UP = 0.2;

/**
 * Sends a server a mix of good and bad requests and operations from several clients at a time. Rejects with the first thing
 * that the server did and should not have done.
 */
export async function soak({ requests, seed, onSample }: SoakOptions): Promise<SoakResult> {
  await using server = await SoakServer.start();
  const { metrics, server: served } = server.serving;
  const kinds = [...(await frameKinds(server)), ...tensorKinds(server), ...operationKinds(server)];
  const counts: Record<string, number> = {};
  const sampling: Promise<SoakSample>[] = [];
  const sample = async (at: number): Promise<SoakSample> => {
    const { rss, heap } = await serverUsage(served.httpAddress);
    const found = { requests: at, rss, heap };
    onSample?.(found);
    return found;
  };
  let done = 0;
  const failures: Error[] = [];
  const client = async (random: Random): Promise<void> => {
    while (done < requests && failures.length === 0) {
      const { name, act } = pick(kinds, random);
      try {
        const count = await act(random);
        counts[name] = (counts[name] ?? 0) + count;
        done += count;
      } catch (cause) {
        failures.push(new Error(`${name}, after ${done} requests, seed ${seed}: ${String(cause)}`, { cause }));
      }
      while (sampling.length < Math.floor((done / requests) * SAMPLES)) sampling.push(sample(done));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(new Random(seed * CLIENTS + index))));
  const samples = await Promise.all(sampling);
  if (failures[0] !== undefined) throw failures[0];
  const left = ['sluice_streams_open', 'sluice_queue_requests'].map(async (name) => {
    // What was cancelled last may still run.
    await metrics.until(name, {}, (value) => value === 0);
    return metrics.value(name);
  });
  return { requests: done, kinds: counts, samples, leftOver: await Promise.all(left) };
}

/** How much more memory the server had in the second half of a run than in the first, the warm-up left out, in bytes. */
export function growth(samples: readonly SoakSample[]): number {
  const warm = samples.slice(samples.length * WARM_UP);
  const half = (from: number, to: number): number =>
    median(warm.slice(from * warm.length, to * warm.length).map(({ rss }) => rss));
  return half(0.5, 1) - half(0, 0.5);
}

function pick(kinds: readonly Kind[], random: Random): Kind {
  let at = random.next() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  return kinds.find(({ weight }) => (at -= weight) < 0) ?? kinds[0]!;
}
