import type { InstanceSpec } from './messages.js';
import { OnnxSession } from './onnx-session.js';
import { TensorInstance } from './tensor-instance.js';
import { requireBatch } from './tensor-runner.js';

/** One instance of a model whose tensors have no meaning here, on the CPU. Throws MODEL_INVALID. */
export async function createCpuTensorInstance(
  { modelFile, config }: InstanceSpec,
  threads: number,
): Promise<TensorInstance> {
  const session = await OnnxSession.createForTensors(modelFile, threads);
  try {
    requireBatch(session.tensors, config);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  const network = {
    tensors: session.tensors,
    notes: () => session.changes.map((change) => `model file: ${change}`),
    runTensors: session.runTensors.bind(session),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
  return TensorInstance.start(network, config);
}
