import type { Logger } from 'pino';
import { systemClock } from '../core/clock.js';
import type { ModelLoader } from '../core/model-lifecycle.js';
import { Model } from '../core/model.js';
import type { LoadableModels } from '../core/pipeline/open-pipeline.js';
import type { StatisticsSink } from '../core/statistics.js';
import type { ModelExecutors } from '../runtime/model-executor.js';
import { createExecutor } from './create-executor.js';

/** What loading needs of the server. */
export interface LoaderParts {
  readonly executors: ModelExecutors;
  /** For versions that are made of other models. */
  readonly models: () => LoadableModels;
  readonly statistics: () => StatisticsSink;
  readonly logger: Logger;
  /** Aborted when nothing is to be loaded any more. */
  readonly draining: AbortSignal;
}

/** Loads versions for the repository: from their files to what answers requests. */
export function versionLoader({ executors, models, statistics, logger, draining }: LoaderParts): ModelLoader {
  return async (name, { config, labels, outputLabels }, { version, path }, signal) => {
    const start = performance.now();
    const wanted = { model: name, version, modelFile: path, config, labels: labels.length };
    const untilUnwanted = AbortSignal.any([signal, draining]);
    const executor = await createExecutor({ ...wanted, signal: untilUnwanted }, executors, models());
    const milliseconds = performance.now() - start;
    logger.info({ model: `${name}/${version}`, milliseconds: Math.round(milliseconds) }, 'loaded');
    const own = statistics().forModel(name, version);
    statistics().modelLoaded(name, version, milliseconds / 1000);
    return new Model({ name, version, config, labels, outputLabels, executor, statistics: own, clock: systemClock });
  };
}
