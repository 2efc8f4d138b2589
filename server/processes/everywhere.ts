import { ServingError } from '../core/errors.js';
import type { ProcessCalls } from './calls.js';
import type { Peer } from './peer.js';

/** Makes a change in all processes; why some have not made it, and nothing of those that have ended meanwhile. */
export async function everywhere(
  peers: readonly Peer<ProcessCalls>[],
  change: (peer: Peer<ProcessCalls>) => Promise<unknown>,
): Promise<ServingError[]> {
  const outcomes = await Promise.allSettled(peers.map(change));
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [ServingError.from(outcome.reason)] : [],
  );
  // What takes the place of a process that has ended meanwhile starts with what is wanted now.
  const alive = failures.filter(({ code }) => code !== 'INSTANCE_LOST');
  return alive.length > 0 || failures.length < outcomes.length ? alive : failures;
}
