import type { GpuSource } from '../http/gpu-series.js';
import { gpuAddonFile, loadNativeGpu } from '../runtime/native-gpu.js';

/** Where metrics read the GPUs; null without the GPU addon. It is loaded by the first scrape, and creates no CUDA context. */
export function gpuReadings(warn: (why: string) => void): GpuSource | null {
  if (gpuAddonFile() === null) return null;
  return { read: () => loadNativeGpu().telemetry(), warn, now: () => performance.now() };
}
