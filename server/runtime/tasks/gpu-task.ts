import { TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig } from '../../core/model-config.js';
import type { GpuClassification, GpuTask, GpuTextEmbedding } from '../native-gpu.js';
import { detectionSpec } from './detection-spec.js';

/** What a configuration and its labels file, of so many lines, say to the GPU of a model's outputs. */
export function gpuTask(config: ModelConfig, labels: number): GpuTask {
  const { task, postprocess } = config;
  if (TASKS_OF_REGIONS.has(task)) {
    return {
      kind: 'pose',
      heatMaps: task === 'heatmap_pose',
      refinement: postprocess.peak_refinement,
      first: postprocess.first_key_point,
      count: postprocess.key_points ?? 0,
    };
  }
  const kind = TASK_KINDS[task];
  if (kind === 'infer') throw new Error('task tensors gives its outputs no meaning');
  switch (kind) {
    case 'detect':
      return { kind, detection: detectionSpec(config, labels) };
    case 'embed':
      return { kind, normalize: postprocess.normalize };
    case 'classify':
      return { kind, activation: postprocess.activation, labels };
    case 'segment':
      return { kind, activation: postprocess.activation, labels };
  }
}

/** The same of a model that reads texts. */
export function gpuTextTask({ task, postprocess }: ModelConfig, labels: number): GpuClassification | GpuTextEmbedding {
  const { activation, pooling, normalize } = postprocess;
  if (TASK_KINDS[task] === 'embed') return { kind: 'embed', pooling, normalize };
  return { kind: 'classify', activation, labels };
}
