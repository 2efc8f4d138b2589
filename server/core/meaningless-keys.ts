import { TASK_INPUTS, TASKS, type TaskInput, type TaskName } from './model-config.js';

/** Keys that say nothing where the task looks at pictures, reads texts, reads key points, and has tensors only. */
const MEANINGLESS: Readonly<Record<TaskInput, readonly string[]>> = {
  picture: ['tokenizer', 'postprocess.pooling'],
  text: ['input', 'preprocess', 'tensorrt.calibration'],
  points: ['input', 'preprocess', 'tokenizer', 'postprocess.nms_threshold', 'postprocess.max_detections', 'tensorrt'],
  tensors: ['input', 'preprocess', 'postprocess', 'tokenizer'],
};

const TAKEN: Readonly<Record<TaskInput, string>> = {
  picture: 'pictures',
  text: 'texts',
  points: 'key points',
  tensors: 'tensors as they are',
};

/** Keys that describe a network, which a pipeline has none of. */
const OF_NETWORKS: readonly string[] = [
  'input',
  'max_batch_size',
  'default_model_filename',
  'labels',
  'preprocess',
  'postprocess',
  'tokenizer',
  'instance_group',
  'tensorrt',
  'version_policy',
  'model_warmup',
  'dynamic_batching.preferred_batch_size',
  'dynamic_batching.max_queue_delay_microseconds',
];

/** An ensemble says how many rows a request may have. */
const OF_MODEL_FILES = OF_NETWORKS.filter((key) => key !== 'max_batch_size');

/** Keys of a config.yaml, as it was written, that the task leaves without a meaning: a path and a message for each. */
export function meaninglessKeys(written: unknown): [path: string[], message: string][] {
  const { task: name } = written as { readonly task?: unknown };
  const task = TASKS.find((known) => known === name);
  if (task === undefined) return [];
  const input = TASK_INPUTS[task];
  const [keys, why] = meaningless(task, input);
  return keys
    .map((path) => path.split('.'))
    .filter((path) => isThere(written, path))
    .map((path) => [path, `has no meaning with task ${task}, ${why}: remove it`]);
}

function meaningless(task: TaskName, input: TaskInput): [keys: readonly string[], why: string] {
  if (task === 'pipeline') return [OF_NETWORKS, 'whose stages have models of their own'];
  if (task === 'ensemble') return [OF_MODEL_FILES, 'whose steps have models of their own'];
  return [MEANINGLESS[input], `which takes ${TAKEN[input]}`];
}

function isThere(written: unknown, path: readonly string[]): boolean {
  let at = written;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return true;
}
