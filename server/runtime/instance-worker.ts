import { parentPort, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { ServingError } from '../core/errors.js';
import type { BatchReply, FrameTask, InstanceNotice, InstanceSpec } from './messages.js';
import { ModelInstance } from './model-instance.js';

/** The file that each InstanceThread runs: it loads one ModelInstance, says so, and executes batches. */

type BatchHandler = (batch: readonly FrameTask[]) => Promise<unknown>;

async function load(spec: InstanceSpec): Promise<BatchHandler> {
  try {
    const instance = await ModelInstance.create(spec);
    notify({ type: 'ready', changes: instance.changes });
    return async (batch) => moved(await instance.execute(batch));
  } catch (cause) {
    const error = ServingError.from(cause).toData();
    notify({ type: 'failed', error });
    return () => Promise.resolve({ type: 'error', error } satisfies BatchReply);
  }
}

function notify(notice: InstanceNotice): void {
  parentPort?.postMessage(notice);
}

/** Hands the buffer of the results over instead of copying it. */
function moved(reply: BatchReply): unknown {
  if (reply.type === 'error') return reply;
  return move({ [transferableSymbol]: [reply.values.buffer], [valueSymbol]: reply });
}

/** piscina awaits a default export that is a promise. */
export default load(workerData as InstanceSpec);
