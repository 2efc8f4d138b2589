import { sumStatistics, type AskedStatistics, type VersionStatistics } from '../core/version-statistics.js';
import type { ProcessCalls } from './calls.js';
import type { Peer } from './peer.js';

/** What the models of all processes have done, together; what one that has ended had done is gone with it. */
export async function sharedStatistics(
  peers: readonly Peer<ProcessCalls>[],
  asked: AskedStatistics,
): Promise<VersionStatistics[]> {
  const answers = await Promise.allSettled(peers.map((peer) => peer.call('statistics', asked)));
  return sumStatistics(answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])));
}
