import type { ModelConfig, TaskName } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { CenterFaceTask } from './centerface.js';
import { EmbeddingTask } from './embedding.js';
import { SegmentationTask } from './segmentation.js';
import type { Task } from './task.js';

const TASK_CLASSES: Record<TaskName, new (config: ModelConfig, native: NativeAddon) => Task> = {
  centerface: CenterFaceTask,
  embedding: EmbeddingTask,
  segmentation: SegmentationTask,
};

export function createTask(config: ModelConfig, native: NativeAddon): Task {
  return new TASK_CLASSES[config.task](config, native);
}
