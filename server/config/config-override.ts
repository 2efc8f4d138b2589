import { errorMessage } from '../core/errors.js';
import { describeFound } from './config-report.js';

/** Keys that stand in place of those of a file, from their JSON; or why that is none. */
export function parseOverride(json: string): Readonly<Record<string, unknown>> | Error {
  let keys: unknown;
  try {
    keys = JSON.parse(json);
  } catch (cause) {
    return new Error(`the configuration given in place of the file's is no JSON: ${errorMessage(cause)}`);
  }
  if (typeof keys === 'object' && keys !== null && !Array.isArray(keys)) return keys as Record<string, unknown>;
  return new Error(`the configuration given in place of the file's must be a JSON object, not ${describeFound(keys)}`);
}
