import { TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { DetectionTask } from './detection.js';
import { EmbeddingTask } from './embedding.js';
import { PoseTask } from './pose.js';
import { SegmentationTask } from './segmentation.js';
import type { Task } from './task.js';

/** Of the tasks that look at pictures with a network of their own. */
const TASK_CLASSES = { detect: DetectionTask, embed: EmbeddingTask, segment: SegmentationTask } as const;

/** The task of a model whose labels file has so many lines. */
export function createTask(config: ModelConfig, native: NativeAddon, labels: number): Task {
  if (TASKS_OF_REGIONS.has(config.task)) return new PoseTask(config, native);
  const kind = TASK_KINDS[config.task];
  if (kind === 'classify') throw new Error(`task ${config.task} does not look at pictures`);
  return new TASK_CLASSES[kind](config, native, labels);
}
