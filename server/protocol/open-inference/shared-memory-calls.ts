import { ServingError } from '../../core/errors.js';
import type { ServedMemory, SharedRegion } from '../../core/shared-memory.js';
import type {
  CudaSharedMemoryStatusResponse,
  SystemSharedMemoryRegisterRequest,
  SystemSharedMemoryRegisterResponse,
  SystemSharedMemoryStatusRequest,
  SystemSharedMemoryStatusResponse,
  SystemSharedMemoryUnregisterRequest,
  SystemSharedMemoryUnregisterResponse,
} from '../../gen/inference/grpc_service.js';

/** Regions of shared memory. `served` null: clients share none. */
export function sharedMemoryCalls(served: ServedMemory | null) {
  const required = (): ServedMemory => {
    if (served !== null) return served;
    throw new ServingError(
      'TASK_NOT_SUPPORTED',
      'the server takes no shared memory; start it with --allow-client-shm true, or send tensors in the message',
    );
  };
  return {
    systemSharedMemoryStatus: ({ name }: SystemSharedMemoryStatusRequest): SystemSharedMemoryStatusResponse => {
      const regions = required().memory.regions(name === '' ? null : name);
      return { regions: Object.fromEntries(regions.map((region) => [region.name, toStatus(region)])) };
    },
    systemSharedMemoryRegister: async (
      request: SystemSharedMemoryRegisterRequest,
    ): Promise<SystemSharedMemoryRegisterResponse> => {
      const { name, key, offset, byteSize } = request;
      await required().control.register({ name, key, offset: Number(offset), byteSize: Number(byteSize) });
      return {};
    },
    systemSharedMemoryUnregister: async ({
      name,
    }: SystemSharedMemoryUnregisterRequest): Promise<SystemSharedMemoryUnregisterResponse> => {
      await required().control.unregister(name === '' ? null : name);
      return {};
    },
    // There is never a region of a GPU; clients may ask, and clear both kinds before they begin.
    cudaSharedMemoryStatus: (): CudaSharedMemoryStatusResponse => {
      required();
      return { regions: {} };
    },
    cudaSharedMemoryRegister: (): never => {
      required();
      throw new ServingError('TASK_NOT_SUPPORTED', 'memory of GPUs is not shared; register system shared memory');
    },
    cudaSharedMemoryUnregister: (): object => {
      required();
      return {};
    },
  };
}

function toStatus({ name, key, offset, byteSize }: SharedRegion): SystemSharedMemoryStatusResponse['regions'][string] {
  return { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) };
}
