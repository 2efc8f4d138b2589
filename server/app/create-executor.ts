import { systemClock } from '../core/clock.js';
import { withDeclaredTensors } from '../core/declared-tensors.js';
import { openEnsemble } from '../core/ensemble/open-ensemble.js';
import type { Executor } from '../core/executor.js';
import { withRateLimit } from '../core/limited-executor.js';
import { openPipeline, type LoadableModels } from '../core/pipeline/open-pipeline.js';
import type { RateLimiter } from '../core/rate-limiter.js';
import { withSequences } from '../core/sequences/sequence-executor.js';
import { modelDirectory } from '../runtime/model-directory.js';
import type { ModelExecutors, VersionToServe } from '../runtime/model-executor.js';
import { readStateFiles } from './read-state-files.js';

/** Makes the executor of a version: of its own network, or of other models. Limiter null: nobody waits for another. */
export async function createExecutor(
  version: VersionToServe,
  executors: ModelExecutors,
  models: LoadableModels,
  limiter: RateLimiter | null,
): Promise<Executor> {
  const { model, config, signal, modelFile } = version;
  const { pipeline, ensemble_scheduling: ensemble, tensors, sequence_batching: sequences } = config;
  if (pipeline !== undefined) return await openPipeline(model, { ...config, pipeline }, models, systemClock, signal);
  if (ensemble !== undefined && tensors !== undefined) {
    return await openEnsemble(
      model,
      { ...config, ensemble_scheduling: ensemble, tensors },
      models,
      systemClock,
      signal,
    );
  }
  const files = sequences === undefined ? null : await readStateFiles(modelDirectory(modelFile), sequences);
  let executor = await executors.create(version);
  if (sequences !== undefined && files !== null) {
    executor = await withSequences(executor, { config: sequences, declared: tensors?.output ?? [], files });
  }
  if (tensors !== undefined) executor = await withDeclaredTensors(executor, tensors);
  const { rate_limiter: limits } = config.instance_group;
  return limiter === null || limits.resources.length === 0 ? executor : await withRateLimit(executor, limits, limiter);
}
