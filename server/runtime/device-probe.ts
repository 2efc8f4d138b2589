import { errorMessage, ServingError } from '../core/errors.js';
import { callGpuProcess, type GpuAnswers } from './gpu-process.js';
import { gpuAddonFile } from './native-gpu.js';

/** The GPUs of this machine, or why there is none to use. */
export type DeviceReport = ({ readonly kind: 'found' } & GpuAnswers['devices']) | NoDevices;

export interface NoDevices {
  readonly kind: 'none';
  readonly reason: string;
}

/** Milliseconds. The first call of CUDA takes some seconds on machines with many GPUs. */
const TIME_LIMIT = 20_000;

const NOT_BUILT =
  'the GPU addon is not built; `make native` builds it where it finds CUDA and TensorRT, and `make doctor` says what ' +
  'is missing';

let report: Promise<DeviceReport> | null = null;

/** Looks for GPUs once in the life of this process. Never rejects. */
export function probeDevices(): Promise<DeviceReport> {
  report ??= askForDevices(gpuAddonFile());
  return report;
}

/** Asks the addon in `addonFile` for GPUs, in a process of its own: a crash or a hang there means that there is none. */
export async function askForDevices(addonFile: string | null, timeLimit = TIME_LIMIT): Promise<DeviceReport> {
  if (addonFile === null) return { kind: 'none', reason: NOT_BUILT };
  const late = new AbortController();
  const timer = setTimeout(() => {
    const seconds = timeLimit / 1000;
    late.abort(new ServingError('DEVICE_UNAVAILABLE', `the GPU driver did not answer within ${seconds} seconds`));
  }, timeLimit);
  try {
    const answer = await callGpuProcess({ addonFile, request: { type: 'devices' }, signal: late.signal });
    if (answer.devices.length === 0) return { kind: 'none', reason: 'CUDA shows no GPU' };
    return { kind: 'found', ...answer };
  } catch (cause) {
    return { kind: 'none', reason: errorMessage(cause) };
  } finally {
    clearTimeout(timer);
  }
}
