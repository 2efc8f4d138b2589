import type { ModelConfig, TaskName } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { CenterFaceTask } from './centerface.js';
import { ClassificationTask } from './classification.js';
import { EmbeddingTask } from './embedding.js';
import type { Task } from './task.js';
import { TextEmbeddingTask } from './text-embedding.js';

const TASK_CLASSES: Record<TaskName, new (config: ModelConfig, native: NativeAddon, labels: number) => Task> = {
  centerface: CenterFaceTask,
  embedding: EmbeddingTask,
  classification: ClassificationTask,
  text_classification: ClassificationTask,
  text_embedding: TextEmbeddingTask,
};

/** The task of a model whose labels file has so many lines. */
export function createTask(config: ModelConfig, native: NativeAddon, labels: number): Task {
  return new TASK_CLASSES[config.task](config, native, labels);
}
