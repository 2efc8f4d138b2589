import { ServingError } from '../core/errors.js';
import { TASK_INPUTS, type ModelConfig } from '../core/model-config.js';
import type { DeviceReport } from './device-probe.js';
import type { GpuDevice } from './native-gpu.js';

/** Where a model runs. */
export type DeviceChoice =
  /** `reason`: why on the CPU although a GPU would have been taken; null: it was asked for. */
  | { readonly kind: 'cpu'; readonly reason: string | null }
  | { readonly kind: 'gpu'; readonly devices: readonly GpuDevice[]; readonly tensorrt: string };

/**
 * Decides where `config` asks to run. GPUs are only looked for where they make a difference. Throws DEVICE_UNAVAILABLE
 * where one is required and there is none, CONFIG_INVALID where it names one that is not there.
 */
export async function chooseDevices(
  { task, instance_group: { kind, gpus } }: ModelConfig,
  probe: () => Promise<DeviceReport>,
): Promise<DeviceChoice> {
  if (kind === 'KIND_CPU' || TASK_INPUTS[task] === 'points') return { kind: 'cpu', reason: null };
  const report = await probe();
  if (report.kind === 'none') {
    if (kind === 'KIND_AUTO') return { kind: 'cpu', reason: report.reason };
    throw new ServingError(
      'DEVICE_UNAVAILABLE',
      `instance_group.kind is KIND_GPU, and no GPU can be used: ${report.reason}`,
    );
  }
  const { devices, info } = report;
  const missing = gpus?.filter((gpu) => !devices.some(({ index }) => index === gpu)) ?? [];
  if (missing.length > 0) {
    const there = devices.map(({ index, name }) => `${index} (${name})`).join(', ');
    throw new ServingError('CONFIG_INVALID', `instance_group.gpus names ${missing.join(', ')}; there are ${there}`);
  }
  // In the order of the configuration.
  const chosen = gpus?.flatMap((gpu) => devices.filter(({ index }) => index === gpu)) ?? devices;
  return { kind: 'gpu', devices: chosen, tensorrt: info.tensorrt };
}
