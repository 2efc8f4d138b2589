import { TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { ClassificationTask } from './classification.js';
import { DetectionTask } from './detection.js';
import { EmbeddingTask } from './embedding.js';
import { PoseTask } from './pose.js';
import { SegmentationTask } from './segmentation.js';
import type { Task } from './task.js';
import { TextEmbeddingTask } from './text-embedding.js';

const TASK_CLASSES = {
  detect: DetectionTask,
  embed: EmbeddingTask,
  classify: ClassificationTask,
  segment: SegmentationTask,
} as const;

/** The task of a model whose labels file has so many lines. */
export function createTask(config: ModelConfig, native: NativeAddon, labels: number): Task {
  if (TASKS_OF_REGIONS.has(config.task)) return new PoseTask(config, native);
  if (config.task === 'text_embedding') return new TextEmbeddingTask(config, native);
  const kind = TASK_KINDS[config.task];
  if (kind === 'infer') throw new Error('task tensors gives its outputs no meaning');
  return new TASK_CLASSES[kind](config, native, labels);
}
