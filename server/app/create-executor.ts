import { systemClock } from '../core/clock.js';
import { withDeclaredTensors } from '../core/declared-tensors.js';
import { openEnsemble } from '../core/ensemble/open-ensemble.js';
import type { Executor } from '../core/executor.js';
import { openPipeline, type LoadableModels } from '../core/pipeline/open-pipeline.js';
import type { ModelExecutors, VersionToServe } from '../runtime/model-executor.js';

/** Makes the executor of a version: of its own network, or of other models. Throws as these do. */
export async function createExecutor(
  version: VersionToServe,
  executors: ModelExecutors,
  models: LoadableModels,
): Promise<Executor> {
  const { model, config, signal } = version;
  const { pipeline, ensemble_scheduling: ensemble, tensors } = config;
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
  const executor = await executors.create(version);
  return tensors === undefined ? executor : await withDeclaredTensors(executor, tensors);
}
