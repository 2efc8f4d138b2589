import type { InstanceSpec, Placement } from './messages.js';
import { pluginFiles } from './model-directory.js';
import type { GpuInstanceSpec } from './native-gpu.js';
import { gpuTask } from './tasks/gpu-task.js';

/** What an instance on a GPU runs, as the native code has it. */
export function gpuInstanceSpec(spec: InstanceSpec, placement: Placement & { kind: 'gpu' }): GpuInstanceSpec {
  const { modelFile, config, labels, maxPicturePixels } = spec;
  const { preprocess, tensorrt, input } = config;
  return {
    device: placement.device,
    planFile: placement.planFile,
    weightsFile: placement.weightsFile,
    plugins: pluginFiles(modelFile, tensorrt.plugins),
    versionCompatible: tensorrt.version_compatible,
    width: input.width,
    height: input.height,
    maxBatchSize: config.max_batch_size,
    focus: preprocess.focus,
    pad: preprocess.pad,
    color: preprocess.color,
    scale: preprocess.scale,
    mean: preprocess.mean,
    std: preprocess.std,
    task: gpuTask(config, labels),
    executionContexts: tensorrt.execution_contexts,
    cudaGraphs: tensorrt.cuda_graphs,
    maxPicturePixels,
  };
}
