import type { ServedMemory } from '../core/shared-memory.js';
import { DeviceMemory, type DeviceMemoryOptions } from '../runtime/device-memory.js';
import { probeDevices } from '../runtime/device-probe.js';
import { gpuAddonFile, loadNativeGpu } from '../runtime/native-gpu.js';
import { RegionTable } from '../runtime/region-table.js';
import { SharedSegment } from '../runtime/shared-segment.js';

/** Memory that clients share with this process. `onDeviceLost` is told when a copy shows that a GPU is beyond use. */
export function ownMemory(onDeviceLost: (why: string) => void): ServedMemory {
  const options: DeviceMemoryOptions = {
    probe: probeDevices,
    open: (spec) => loadNativeGpu().openSharedMemory(spec),
    onDeviceLost,
  };
  const table = new RegionTable({
    system: (region) => new SharedSegment(region),
    cuda: (region) => DeviceMemory.create(region, options),
  });
  return { memory: table, control: table, cuda: gpuAddonFile() !== null };
}
