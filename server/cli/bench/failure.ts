import { statusName } from '../../../clients/typescript/status-name.js';
import { errorMessage } from '../../core/errors.js';
import type { Outcome } from './target.js';

/** A call that failed, as an outcome. Throws what is not an error of a call. */
export function failedCall(error: unknown): Outcome {
  const status = statusName(error);
  if (status === null) throw error;
  const { details } = error as { readonly details?: string };
  return { failure: { status, message: details ?? errorMessage(error) }, timings: null };
}
