import { move, transferableSymbol, valueSymbol } from 'piscina';
import { ServingError } from '../core/errors.js';
import { TASK_INPUTS } from '../core/model-config.js';
import type {
  BatchReply,
  CrossingDone,
  InstanceSpec,
  LoadReply,
  TensorBatch,
  TensorsDone,
  WorkerTask,
} from './messages.js';
import type { ServedInstance } from './instance.js';
import { TensorDesk } from './tensor-desk.js';

const SMALL_BYTES = 16_384;

/** The file that each InstanceThread runs: one Instance, and the tasks of messages.ts. */

let instance: ServedInstance | null = null;
let desk: TensorDesk;

export default async function handle(task: WorkerTask): Promise<unknown> {
  try {
    if (task.type === 'load') {
      desk = new TensorDesk(task.desk);
      instance = await create(task.spec);
      const { notes, layout, signature } = instance;
      return { type: 'loaded', notes, layout, signature } satisfies LoadReply;
    }
    if (instance === null) throw new Error('a batch came before the model was loaded');
    if (task.type === 'infer') {
      const batch = desk.take(task.batch);
      return moveTensors(await instance.infer(batch), batch);
    }
    const done = await instance.execute(task.frames);
    // The buffers of the results are handed over instead of copied.
    const attachments = done.frames.flatMap((frame) => frame.attachments.map(({ buffer }) => buffer));
    return move({ [transferableSymbol]: [done.values.buffer, ...new Set(attachments)], [valueSymbol]: done });
  } catch (cause) {
    return { type: 'error', error: ServingError.from(cause).toData() } satisfies BatchReply;
  }
}

/** Small buffers are copied or left behind: what is moved costs more by its number than by its size. */
function moveTensors(done: TensorsDone, { inputs }: TensorBatch): unknown {
  const outputs = done.answers.flatMap((answer) => ('error' in answer ? [] : answer.outputs));
  const bytes = outputs.reduce((sum, { data }) => sum + data.length, 0);
  const found = new Set(outputs.map(({ data }) => data.buffer));
  const taken = new Set(inputs.flatMap(({ parts }) => parts.map(({ buffer }) => buffer)));
  const rooms = [...taken].filter((buffer) => buffer.byteLength >= SMALL_BYTES && !found.has(buffer)) as ArrayBuffer[];
  const reply: CrossingDone = { ...done, rooms };
  const moved = [...(bytes < SMALL_BYTES ? [] : found), ...rooms];
  return moved.length === 0 ? reply : move({ [transferableSymbol]: moved, [valueSymbol]: reply });
}

/** The code of the other kinds is never loaded. */
async function create(spec: InstanceSpec): Promise<ServedInstance> {
  const { placement } = spec;
  if (spec.config.task === 'tensors') return await createForTensors(spec);
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

async function createForTensors(spec: InstanceSpec): Promise<ServedInstance> {
  const { placement } = spec;
  if (placement.kind === 'gpu') {
    const { createGpuTensorInstance } = await import('./gpu-tensor-instance.js');
    return createGpuTensorInstance(spec, placement);
  }
  const { createCpuTensorInstance } = await import('./cpu-tensor-instance.js');
  return createCpuTensorInstance(spec, placement.threads);
}

async function createForTexts(spec: InstanceSpec): Promise<ServedInstance> {
  const { placement } = spec;
  if (placement.kind === 'gpu') {
    const { GpuTextInstance } = await import('./gpu-text-instance.js');
    return GpuTextInstance.create(spec, placement);
  }
  const { CpuTextInstance } = await import('./cpu-text-instance.js');
  return CpuTextInstance.create(spec, placement.threads);
}
