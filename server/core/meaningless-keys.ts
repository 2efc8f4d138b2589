import { TASK_INPUTS, TASKS } from './model-config.js';

/** Keys that say nothing where the task looks at pictures, and where it reads texts. */
const MEANINGLESS: Readonly<Record<'picture' | 'text', readonly (readonly string[])[]>> = {
  picture: [['tokenizer'], ['postprocess', 'pooling']],
  text: [['input'], ['preprocess'], ['tensorrt', 'calibration']],
};

/** Keys of a config.yaml, as it was written, that the task leaves without a meaning: a path and a message for each. */
export function meaninglessKeys(written: unknown): [path: string[], message: string][] {
  const { task: name } = written as { readonly task?: unknown };
  const task = TASKS.find((known) => known === name);
  if (task === undefined) return [];
  const message = `has no meaning with task ${task}, which takes ${TASK_INPUTS[task]}s: remove it`;
  const found = MEANINGLESS[TASK_INPUTS[task]].filter((path) => isThere(written, path));
  return found.map((path) => [[...path], message]);
}

function isThere(written: unknown, path: readonly string[]): boolean {
  let at = written;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return true;
}
