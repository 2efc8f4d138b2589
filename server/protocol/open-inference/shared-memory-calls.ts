import { ServingError } from '../../core/errors.js';
import type { CudaRegion, ServedMemory, SystemRegion } from '../../core/shared-memory.js';
import type {
  CudaSharedMemoryRegisterRequest,
  CudaSharedMemoryRegisterResponse,
  CudaSharedMemoryStatusRequest,
  CudaSharedMemoryStatusResponse,
  CudaSharedMemoryUnregisterRequest,
  CudaSharedMemoryUnregisterResponse,
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
      const regions = required().memory.regions('system', orAll(name));
      return { regions: Object.fromEntries(regions.map((region) => [region.name, systemStatus(region)])) };
    },
    systemSharedMemoryRegister: async (
      request: SystemSharedMemoryRegisterRequest,
    ): Promise<SystemSharedMemoryRegisterResponse> => {
      const { name, key } = request;
      const place = { offset: Number(request.offset), byteSize: Number(request.byteSize) };
      await required().control.register({ kind: 'system', name, key, ...place });
      return {};
    },
    systemSharedMemoryUnregister: async ({
      name,
    }: SystemSharedMemoryUnregisterRequest): Promise<SystemSharedMemoryUnregisterResponse> => {
      await required().control.unregister({ kind: 'system', name: orAll(name) });
      return {};
    },
    cudaSharedMemoryStatus: ({ name }: CudaSharedMemoryStatusRequest): CudaSharedMemoryStatusResponse => {
      const regions = required().memory.regions('cuda', orAll(name));
      return { regions: Object.fromEntries(regions.map((region) => [region.name, cudaStatus(region)])) };
    },
    cudaSharedMemoryRegister: async (
      request: CudaSharedMemoryRegisterRequest,
    ): Promise<CudaSharedMemoryRegisterResponse> => {
      const { name, rawHandle, deviceId, byteSize } = request;
      const handle = Buffer.from(rawHandle).toString('base64');
      const memory = { device: Number(deviceId), handle, byteSize: Number(byteSize) };
      await required().control.register({ kind: 'cuda', name, ...memory });
      return {};
    },
    cudaSharedMemoryUnregister: async ({
      name,
    }: CudaSharedMemoryUnregisterRequest): Promise<CudaSharedMemoryUnregisterResponse> => {
      await required().control.unregister({ kind: 'cuda', name: orAll(name) });
      return {};
    },
  };
}

/** No name means all regions. */
function orAll(name: string): string | null {
  return name === '' ? null : name;
}

function systemStatus({
  name,
  key,
  offset,
  byteSize,
}: SystemRegion): SystemSharedMemoryStatusResponse['regions'][string] {
  return { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) };
}

function cudaStatus({ name, device, byteSize }: CudaRegion): CudaSharedMemoryStatusResponse['regions'][string] {
  return { name, deviceId: BigInt(device), byteSize: BigInt(byteSize) };
}
