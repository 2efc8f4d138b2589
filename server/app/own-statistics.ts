import { systemClock } from '../core/clock.js';
import type { ModelRepository } from '../core/model-repository.js';
import { versionStatistics, type AskedStatistics, type VersionStatistics } from '../core/version-statistics.js';

/** What the models of this process have done. */
export function ownStatistics(repository: ModelRepository, asked: AskedStatistics): VersionStatistics[] {
  return versionStatistics(repository.ready(), asked, { clock: systemClock.now(), epoch: Date.now() });
}
