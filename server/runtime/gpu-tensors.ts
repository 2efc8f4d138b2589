import { ServingError } from '../core/errors.js';

/** What a request for tensors of an instance on a GPU is answered with. */
export function noTensorsOnGpu(): ServingError {
  return new ServingError(
    'TASK_NOT_SUPPORTED',
    'tensors are served on the CPU only: write instance_group.kind KIND_CPU for a model that is to answer ModelInfer',
  );
}
