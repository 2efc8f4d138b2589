import type { InferenceRequest, InferenceResult } from '../../server/core/inference.js';
import { writeElements, type Datatype, type Tensor } from '../../server/core/tensors.js';

/** A tensor of these values, as a message would hold it. */
export function tensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: ArrayBufferView | readonly string[],
): Tensor {
  const data = ArrayBuffer.isView(values)
    ? new Uint8Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer)
    : writeElements(values.map((text) => Buffer.from(text)));
  return { name, datatype, shape, data };
}

/** A request for tensors that arrives at 0 and asks for all outputs. */
export function tensorRequest(tensors: readonly Tensor[], rows: number, outputs: readonly string[] | null = null) {
  return {
    content: { kind: 'tensors', tensors },
    parameters: { kind: 'infer', outputs },
    rows,
    batchKey: 'tensors',
    arrivedAt: 0,
    deadlineAt: null,
    priority: 1,
  } satisfies InferenceRequest;
}

/** The tensors of a result, by name; throws what the request failed with. */
export function tensorsOf({ outcome }: InferenceResult): Readonly<Record<string, Tensor>> {
  if (outcome instanceof Error) throw outcome;
  if (!('tensors' in outcome)) throw new Error('a table instead of tensors');
  return Object.fromEntries(outcome.tensors.map((output) => [output.name, output]));
}

/** Its elements as float32. */
export function floats({ data }: Pick<Tensor, 'data'>): number[] {
  return [...new Float32Array(new Uint8Array(data).buffer)];
}
