import type { ModelConfig } from '../core/model-config.js';

/** The rows of each run that warms an instance up: what the configuration asks for, or one run of one row. */
export function warmUpRuns({ model_warmup: asked }: ModelConfig): number[] {
  const runs = asked.length > 0 ? asked : [{ batch_size: 1, count: 1 }];
  return runs.flatMap(({ batch_size: rows, count }) => Array.from({ length: count }, () => rows));
}
