import type { Readiness } from '../http/readiness.js';

/** What a process says of itself, or why it says nothing. */
export type ProcessReadiness = Readiness | string;

/** A server of several processes is ready when each of them is. `processes` are in the order of their numbers. */
export function sharedReadiness(processes: readonly ProcessReadiness[], stopping: boolean): Readiness {
  const reasons = processes.flatMap((process, place) => {
    const reason = typeof process === 'string' ? process : process.reason;
    return reason === null ? [] : [`process ${place + 1}: ${reason}`];
  });
  const versions = processes.flatMap((process) => (typeof process === 'string' ? [] : process.not_ready));
  // The same model is seldom well in one process and ill in another.
  const different = new Map(versions.map((version) => [JSON.stringify(version), version]));
  const reason = stopping ? 'the server is shutting down' : reasons.join('; ');
  return {
    ready: !stopping && processes.every((process) => typeof process !== 'string' && process.ready),
    reason: reason === '' ? null : reason,
    not_ready: [...different.values()],
  };
}
