import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { ServingError } from '../../core/errors.js';
import type { ServedMemory } from '../../core/shared-memory.js';
import type {
  CudaSharedMemoryStatusResponse,
  SystemSharedMemoryRegisterRequest,
  SystemSharedMemoryRegisterResponse,
  SystemSharedMemoryStatusRequest,
  SystemSharedMemoryStatusResponse,
  SystemSharedMemoryUnregisterRequest,
  SystemSharedMemoryUnregisterResponse,
} from '../../gen/inference/grpc_service.js';
import type { FaultLog } from '../../protocol/client-error.js';
import { unary } from './definition.js';

/** The calls of shared memory. */
export function sharedMemoryService(served: ServedMemory | null, logFault: FaultLog): UntypedServiceImplementation {
  const required = (): ServedMemory => {
    if (served !== null) return served;
    throw new ServingError(
      'TASK_NOT_SUPPORTED',
      'the server takes no shared memory; start it with --allow-client-shm true, or send tensors in the message',
    );
  };
  return {
    systemSharedMemoryStatus: unary<SystemSharedMemoryStatusRequest, SystemSharedMemoryStatusResponse>(({ name }) => {
      const regions = required().memory.regions(name === '' ? null : name);
      return { regions: Object.fromEntries(regions.map((region) => [region.name, toStatus(region)])) };
    }, logFault),
    systemSharedMemoryRegister: unary<SystemSharedMemoryRegisterRequest, SystemSharedMemoryRegisterResponse>(
      async ({ name, key, offset, byteSize }) => {
        await required().control.register({ name, key, offset: Number(offset), byteSize: Number(byteSize) });
        return {};
      },
      logFault,
    ),
    systemSharedMemoryUnregister: unary<SystemSharedMemoryUnregisterRequest, SystemSharedMemoryUnregisterResponse>(
      async ({ name }) => {
        await required().control.unregister(name === '' ? null : name);
        return {};
      },
      logFault,
    ),
    // There is never a region of a GPU, which those may be told who clear both kinds before they begin.
    cudaSharedMemoryStatus: unary<object, CudaSharedMemoryStatusResponse>(() => {
      required();
      return { regions: {} };
    }, logFault),
    cudaSharedMemoryRegister: unary<object, object>(() => {
      required();
      throw new ServingError('TASK_NOT_SUPPORTED', 'memory of GPUs is not shared; register system shared memory');
    }, logFault),
    cudaSharedMemoryUnregister: unary<object, object>(() => {
      required();
      return {};
    }, logFault),
  };
}

function toStatus({ name, key, offset, byteSize }: ReturnType<ServedMemory['memory']['regions']>[number]) {
  return { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) };
}
