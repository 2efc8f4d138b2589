import type { PhaseDurations } from '../core/inference.js';
import type { Tensor, TensorSignature } from '../core/tensors.js';

/** How the native GPU addon answers requests for tensors; see native-gpu.ts. */

/** A request for tensors. */
export interface GpuTensorBatch {
  /** Each input of the plan once. */
  readonly inputs: readonly Tensor[];
  /** Null: all. */
  readonly outputs: readonly string[] | null;
}

/** The network of an instance, past its task. */
export interface NativeGpuTensors {
  /** The inputs and outputs of the plan; -1 where its profiles, or the data, decide. */
  tensors(): Pick<TensorSignature, 'inputs' | 'outputs'>;
  /**
   * Throws INVALID_REQUEST where the plan does not take a shape. The outputs are in the order of the plan, the phases
   * microseconds on the device.
   */
  infer(batch: GpuTensorBatch): { readonly outputs: readonly Tensor[]; readonly phases: PhaseDurations };
}

/** As NativeGpuInstance, without a task. */
export interface NativeGpuTensorInstance extends NativeGpuTensors {
  notes(): string[];
  close(): void;
}
