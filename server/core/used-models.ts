import type { ModelConfig } from './model-config.js';

/** The models that a pipeline or an ensemble runs; of any other model, none. */
export function usedModels({ pipeline, ensemble_scheduling: ensemble }: ModelConfig): string[] {
  const stages = pipeline?.stages.map(({ model }) => model) ?? [];
  return [...stages, ...(ensemble?.step.map(({ model_name: model }) => model) ?? [])];
}
