import { ServingError } from '../../core/errors.js';
import { invalid } from '../../core/tensors.js';
import { hasParameter, type Parameters } from './parameters.js';

/** Throws INVALID_REQUEST for an input or output that lies in shared memory. */
export function refuseSharedMemory(name: string, parameters: Parameters): void {
  if (hasParameter(parameters, 'shared_memory_region')) {
    throw invalid(name, 'names a shared_memory_region; send its bytes in the message');
  }
}

/** The calls of shared memory, which is not served. */
export function sharedMemoryCalls() {
  const refuse = (): never => {
    throw new ServingError('TASK_NOT_SUPPORTED', 'shared memory is not served; send tensors in the message');
  };
  return {
    systemSharedMemoryStatus: refuse,
    systemSharedMemoryRegister: refuse,
    systemSharedMemoryUnregister: refuse,
    cudaSharedMemoryStatus: refuse,
    cudaSharedMemoryRegister: refuse,
    cudaSharedMemoryUnregister: refuse,
  };
}
