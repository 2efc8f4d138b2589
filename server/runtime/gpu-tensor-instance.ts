import { GpuNetwork } from './gpu-network.js';
import { guarded } from './guarded.js';
import type { InstanceSpec, Placement } from './messages.js';
import { pluginFiles } from './model-directory.js';
import { loadNativeGpu, type GpuTensorInstanceSpec } from './native-gpu.js';
import type { NativeGpuTensorInstance } from './native-gpu-tensors.js';
import { TensorInstance } from './tensor-instance.js';

type GpuPlacement = Placement & { readonly kind: 'gpu' };

/** Opens the native instance; tests put in one that needs no GPU. */
export type OpenTensorInstance = (spec: GpuTensorInstanceSpec) => NativeGpuTensorInstance;

/** One instance of a model whose tensors have no meaning here, on a GPU. Throws a ServingError. */
export async function createGpuTensorInstance(
  { modelFile, config }: InstanceSpec,
  placement: GpuPlacement,
  open: OpenTensorInstance = (spec) => loadNativeGpu().openTensorInstance(spec),
): Promise<TensorInstance> {
  const { tensorrt } = config;
  const gpu = guarded(() =>
    open({
      device: placement.device,
      planFile: placement.planFile,
      weightsFile: placement.weightsFile,
      plugins: pluginFiles(modelFile, tensorrt.plugins),
      versionCompatible: tensorrt.version_compatible,
      executionContexts: tensorrt.execution_contexts,
    }),
  );
  let network: GpuTensorNetwork;
  try {
    network = new GpuTensorNetwork(gpu, { batched: config.batch_dimension === true });
  } catch (error) {
    gpu.close();
    throw error;
  }
  return TensorInstance.start(network, config);
}

/** The network as all of the instance. */
class GpuTensorNetwork extends GpuNetwork {
  readonly #instance: NativeGpuTensorInstance;

  constructor(gpu: NativeGpuTensorInstance, seen: ConstructorParameters<typeof GpuNetwork>[1]) {
    super(gpu, seen);
    this.#instance = gpu;
  }

  notes(): string[] {
    return guarded(() => this.#instance.notes());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#instance.close();
  }
}
