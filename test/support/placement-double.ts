import type { BatchDone, ErrorReply, InstanceSpec, LoadReply, WorkerTask } from '../../server/runtime/messages.js';

/**
 * Stands in for the worker file of an instance: answers every frame with the index of the GPU that its instance is on, or
 * with -1 on the CPU.
 */

let spec: InstanceSpec;

export default function handle(task: WorkerTask): LoadReply | BatchDone | ErrorReply {
  if (task.type === 'load') {
    ({ spec } = task);
    return { type: 'loaded', notes: [], layout: null, signature: null };
  }
  if (task.type === 'infer') throw new Error('tensors were asked for');
  const { placement } = spec;
  const place = placement.kind === 'gpu' ? placement.device : -1;
  return {
    type: 'done',
    phases: { decode: 1, preprocess: 2, infer: 3, postprocess: 4 },
    values: Float32Array.from(task.frames.map(() => place)),
    frames: task.frames.map(() => ({
      width: 1,
      height: 1,
      error: null,
      rows: 1,
      columns: 1,
      rowErrors: null,
      attachments: [],
    })),
  };
}
