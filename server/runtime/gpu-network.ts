import type { Tensor, TensorSpec } from '../core/tensors.js';
import type { PhaseClock } from './frame-batch.js';
import { guarded } from './guarded.js';
import type { NativeGpuTensors } from './native-gpu-tensors.js';
import type { NetworkTensors, TensorNetwork } from './tensor-runner.js';

/** What requests for tensors see of a plan. */
interface Seen {
  /** Whether the first dim of every input and output is the batch. */
  readonly batched: boolean;
  /** Shape of the rows of every input; left out: that of the plan. */
  readonly row?: readonly number[];
}

/** The network of an instance on a GPU. */
export class GpuNetwork implements TensorNetwork {
  readonly tensors: NetworkTensors;
  readonly #gpu: NativeGpuTensors;

  constructor(gpu: NativeGpuTensors, { batched, row }: Seen) {
    this.#gpu = gpu;
    const { inputs, outputs } = guarded(() => gpu.tensors());
    // A plan may fix what the model leaves open: that of one row has a batch of 1.
    const seen = ({ shape, ...spec }: TensorSpec): TensorSpec => ({
      ...spec,
      shape: batched ? [-1, ...shape!.slice(1)] : shape,
    });
    this.tensors = {
      inputs: row === undefined ? inputs.map(seen) : inputs.map((input) => ({ ...input, shape: [-1, ...row] })),
      outputs: outputs.map(seen),
    };
  }

  async runTensors(
    inputs: readonly Tensor[],
    outputs: readonly string[] | null,
    phases: PhaseClock,
  ): Promise<readonly Tensor[]> {
    const run = guarded(() => this.#gpu.infer({ inputs, outputs }));
    for (const phase of ['preprocess', 'infer', 'postprocess'] as const) phases[phase] += run.phases[phase];
    // In the order asked for.
    return outputs === null ? run.outputs : outputs.map((name) => run.outputs.find((output) => output.name === name)!);
  }
}
