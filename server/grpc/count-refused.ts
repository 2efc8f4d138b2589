import { ServingError } from '../core/errors.js';
import type { ModelLease } from '../core/model.js';

/** What `step` gives. A request that it refuses counts among the failures of the model. */
export function countRefused<T>(lease: ModelLease, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const error = ServingError.from(cause);
    lease.refused(error);
    throw error;
  }
}
