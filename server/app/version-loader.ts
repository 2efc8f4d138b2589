import type { Logger } from 'pino';
import { systemClock } from '../core/clock.js';
import type { ModelLoader } from '../core/model-lifecycle.js';
import { Model } from '../core/model.js';
import type { LoadableModels } from '../core/pipeline/open-pipeline.js';
import type { StatisticsSink } from '../core/statistics.js';
import type { ModelExecutors } from '../runtime/model-executor.js';
import { createExecutor } from './create-executor.js';
import type { ModelSharing } from './model-sharing.js';

/** What loading needs of the server. */
export interface LoaderParts extends ModelSharing {
  readonly executors: ModelExecutors;
  /** For versions that are made of other models. */
  readonly models: () => LoadableModels;
  readonly statistics: () => StatisticsSink;
  readonly logger: Logger;
  /** Aborted when nothing is to be loaded any more. */
  readonly draining: AbortSignal;
}

/** Loads versions for the repository: from their files to what answers requests. */
export function versionLoader(parts: LoaderParts): ModelLoader {
  const { executors, models, statistics, limiter, responses, logger, draining } = parts;
  return async (name, { config, labels, outputLabels }, { version, path }, signal) => {
    const start = performance.now();
    const wanted = { model: name, version, modelFile: path, config, labels: labels.length };
    const untilUnwanted = AbortSignal.any([signal, draining]);
    const executor = await createExecutor({ ...wanted, signal: untilUnwanted }, executors, models(), limiter);
    const milliseconds = performance.now() - start;
    logger.info({ model: `${name}/${version}`, milliseconds: Math.round(milliseconds) }, 'loaded');
    const own = statistics().forModel(name, version);
    statistics().modelLoaded(name, version, milliseconds / 1000);
    if (config.response_cache.enable && responses === null) {
      logger.warn({ model: name }, 'its answers are not kept: response_cache needs --response-cache-bytes');
    }
    const about = { name, version, config, labels, outputLabels };
    return new Model({ ...about, executor, statistics: own, clock: systemClock, responses });
  };
}
