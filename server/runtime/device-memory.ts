import { ServingError } from '../core/errors.js';
import type { CudaRegion } from '../core/shared-memory.js';
import type { DeviceReport } from './device-probe.js';
import { guarded } from './guarded.js';
import type { NativeSharedMemory, SharedMemorySpec } from './native-gpu-memory.js';
import { invalidRegion, isBytes, type RegionMemory } from './open-region.js';

/** Bytes of a cudaIpcMemHandle_t. */
const HANDLE_BYTES = 64;

/** What memory of GPUs takes. */
export interface DeviceMemoryOptions {
  /** Looks for GPUs. */
  readonly probe: () => Promise<DeviceReport>;
  /** Opens memory of another process. */
  readonly open: (spec: SharedMemorySpec) => NativeSharedMemory;
  /** Told that a GPU is beyond use, and with it every later call of this process. */
  readonly onDeviceLost: (why: string) => void;
}

/**
 * Memory on a GPU that a client has allocated and shares (CUDA IPC). It is copied on the thread that asks, as a segment is:
 * there is no call of CUDA here that waits for anything but its own copy. The first region of a GPU on which no model runs
 * takes as long as CUDA takes to begin there.
 */
export class DeviceMemory implements RegionMemory {
  readonly #region: CudaRegion;
  readonly #native: NativeSharedMemory;
  readonly #onDeviceLost: (why: string) => void;

  private constructor(region: CudaRegion, native: NativeSharedMemory, onDeviceLost: (why: string) => void) {
    this.#region = region;
    this.#native = native;
    this.#onDeviceLost = onDeviceLost;
  }

  /** Throws INVALID_REQUEST, DEVICE_UNAVAILABLE where no GPU can be used, DEVICE_OUT_OF_MEMORY or DEVICE_LOST. */
  static async create(region: CudaRegion, { probe, open, onDeviceLost }: DeviceMemoryOptions): Promise<DeviceMemory> {
    const { device, byteSize } = region;
    const handle = Buffer.from(region.handle, 'base64');
    if (handle.length !== HANDLE_BYTES) {
      throw invalidRegion(
        region,
        `has a handle of ${handle.length} bytes; raw_handle must be the ${HANDLE_BYTES} of a cudaIpcMemHandle_t`,
      );
    }
    if (!isBytes(byteSize) || byteSize === 0)
      throw invalidRegion(region, `has ${byteSize} bytes; byte_size must be 1 to what was allocated`);
    const report = await probe();
    if (report.kind === 'none') {
      throw new ServingError('DEVICE_UNAVAILABLE', `memory of GPUs cannot be shared here: ${report.reason}`);
    }
    if (!report.devices.some(({ index }) => index === device)) {
      const there = report.devices.map(({ index, name }) => `${index} (${name})`).join(', ');
      throw invalidRegion(region, `is on GPU ${device}, and the server has ${there}; set device_id to one of them`);
    }
    const native = calling(region, onDeviceLost, () => open({ device, handle, byteSize }));
    return new DeviceMemory(region, native, onDeviceLost);
  }

  /** An allocation does not shrink. */
  requireBytes(): void {}

  read(from: number, out: Uint8Array): void {
    this.#call(() => this.#native.read(from, out));
  }

  write(from: number, data: Uint8Array): void {
    this.#call(() => this.#native.write(from, data));
  }

  close(): void {
    this.#call(() => this.#native.close());
  }

  #call(work: () => void): void {
    calling(this.#region, this.#onDeviceLost, work);
  }
}

/** Runs a native call. What it says is told with the region's name. */
function calling<T>(region: CudaRegion, onDeviceLost: (why: string) => void, work: () => T): T {
  try {
    return guarded(work);
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    if (code === 'DEVICE_LOST') onDeviceLost(message);
    if (code !== 'INVALID_REQUEST') throw cause;
    throw invalidRegion(region, `is refused: ${message}`, cause);
  }
}
