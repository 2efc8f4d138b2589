import { TASK_KINDS, type ModelConfig } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import { DetectionTask } from './detection.js';
import { EmbeddingTask } from './embedding.js';
import type { Task } from './task.js';

const TASK_CLASSES = { detect: DetectionTask, embed: EmbeddingTask } as const;

/** The task of a model whose labels file has so many lines. */
export function createTask(config: ModelConfig, native: NativeAddon, labels: number): Task {
  return new TASK_CLASSES[TASK_KINDS[config.task]](config, native, labels);
}
