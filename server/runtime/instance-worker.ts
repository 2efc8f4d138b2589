import { move, transferableSymbol, valueSymbol } from 'piscina';
import { ServingError } from '../core/errors.js';
import type { BatchReply, LoadReply, WorkerTask } from './messages.js';
import { ModelInstance } from './model-instance.js';

/** The file that each InstanceThread runs: one ModelInstance, and the tasks of messages.ts. */

let instance: ModelInstance | null = null;

export default async function handle(task: WorkerTask): Promise<unknown> {
  try {
    if (task.type === 'load') {
      instance = await ModelInstance.create(task.spec);
      return { type: 'loaded', changes: instance.changes } satisfies LoadReply;
    }
    if (instance === null) throw new Error('a batch came before the model was loaded');
    const done = await instance.execute(task.frames);
    // The buffer of the results is handed over instead of copied.
    return move({ [transferableSymbol]: [done.values.buffer], [valueSymbol]: done });
  } catch (cause) {
    return { type: 'error', error: ServingError.from(cause).toData() } satisfies BatchReply;
  }
}
