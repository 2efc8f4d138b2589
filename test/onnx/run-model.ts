import ort from 'onnxruntime-node';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { encodeModel } from '../../server/onnx/model-file.js';

export interface Output {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Runs a model with one float32 input in ONNX Runtime. Its float32 outputs by name. */
export async function runModel(
  model: OnnxModel | Uint8Array,
  dims: readonly number[],
  data: Float32Array,
): Promise<Record<string, Output>> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  try {
    const [name = ''] = session.inputNames;
    const results = await session.run({ [name]: new ort.Tensor('float32', data, dims) });
    const outputs = Object.entries(results).map(([output, tensor]) => {
      return [output, { dims: tensor.dims, data: tensor.data as Float32Array }] as const;
    });
    return Object.fromEntries(outputs);
  } finally {
    await session.release();
  }
}

/** Numbers between -1 and 1 that look random and are the same every time. */
export function noise(count: number, seed = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin((index + 1) * 12.9898 * seed + seed));
}

/** Rows `from` to `to` of a tensor with the batch first. */
export function rows({ dims, data }: Output, from: number, to: number): Float32Array {
  const row = data.length / (dims[0] ?? 1);
  return data.subarray(from * row, to * row);
}

/** The largest difference, relative to the largest number. */
export function difference(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length) return Infinity;
  let [most, scale] = [0, 1e-12];
  left.forEach((value, index) => {
    most = Math.max(most, Math.abs(value - (right[index] ?? NaN)));
    scale = Math.max(scale, Math.abs(value));
  });
  return most / scale;
}
