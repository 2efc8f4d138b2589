import { errorCode, errorMessage, ServingError } from '../core/errors.js';

/** Runs a native call; the codes of its errors become those of a ServingError. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof ServingError) throw cause;
    throw new ServingError(errorCode((cause as { code?: unknown }).code), errorMessage(cause), { cause });
  }
}
