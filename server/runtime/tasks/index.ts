import type { ModelConfig, TaskName } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { CenterFaceTask } from './centerface.js';
import { EmbeddingTask } from './embedding.js';
import type { Task } from './task.js';

type TaskClass = new (config: ModelConfig, native: NativeAddon) => Task;

/** Of the tasks that look at pictures with a network of their own. */
const TASK_CLASSES: Record<Exclude<TaskName, 'fall' | 'pipeline'>, TaskClass> = {
  centerface: CenterFaceTask,
  embedding: EmbeddingTask,
};

export function createTask(config: ModelConfig, native: NativeAddon): Task {
  const { task } = config;
  if (task === 'fall' || task === 'pipeline') throw new Error(`task ${task} does not look at pictures itself`);
  return new TASK_CLASSES[task](config, native);
}
