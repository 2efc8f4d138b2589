import { move, transferableSymbol, valueSymbol } from 'piscina';
import { ServingError } from '../core/errors.js';
import { TASK_INPUTS } from '../core/model-config.js';
import type { BatchReply, InstanceSpec, LoadReply, WorkerTask } from './messages.js';
import type { Instance } from './instance.js';

/** The file that each InstanceThread runs: one Instance, and the tasks of messages.ts. */

let instance: Instance | null = null;

export default async function handle(task: WorkerTask): Promise<unknown> {
  try {
    if (task.type === 'load') {
      instance = await create(task.spec);
      return { type: 'loaded', notes: instance.notes, layout: instance.layout } satisfies LoadReply;
    }
    if (instance === null) throw new Error('a batch came before the model was loaded');
    const done = await instance.execute(task.frames);
    // The buffers of the results are handed over instead of copied.
    const attachments = done.frames.flatMap((frame) => frame.attachments.map(({ buffer }) => buffer));
    return move({ [transferableSymbol]: [done.values.buffer, ...new Set(attachments)], [valueSymbol]: done });
  } catch (cause) {
    return { type: 'error', error: ServingError.from(cause).toData() } satisfies BatchReply;
  }
}

/** The code of the other kinds is never loaded. */
async function create(spec: InstanceSpec): Promise<Instance> {
  const { placement } = spec;
  if (TASK_INPUTS[spec.config.task] === 'text') return await createForTexts(spec);
  if (placement.kind === 'gpu') {
    const { GpuInstance } = await import('./gpu-instance.js');
    return GpuInstance.create(spec, placement);
  }
  if (TASK_INPUTS[spec.config.task] === 'points') {
    const { PointsInstance } = await import('./points-instance.js');
    return PointsInstance.create(spec, placement.threads);
  }
  const { CpuInstance } = await import('./cpu-instance.js');
  return CpuInstance.create(spec, placement.threads);
}

async function createForTexts(spec: InstanceSpec): Promise<Instance> {
  const { placement } = spec;
  if (placement.kind === 'gpu') {
    const { GpuTextInstance } = await import('./gpu-text-instance.js');
    return GpuTextInstance.create(spec, placement);
  }
  const { CpuTextInstance } = await import('./cpu-text-instance.js');
  return CpuTextInstance.create(spec, placement.threads);
}
