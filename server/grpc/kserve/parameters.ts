import { quoted, ServingError } from '../../core/errors.js';
import type { InferParameter } from '../../gen/inference/grpc_service.js';

/** The values beside the tensors of a request, an input or an output, by name. */
export type Parameters = Readonly<Record<string, InferParameter>>;

/** A whole number; null: it is not there. Throws INVALID_REQUEST where it is something else. */
export function readInteger(parameters: Parameters, name: string): number | null {
  const choice = ownParameter(parameters, name);
  if (choice === undefined) return null;
  const value =
    choice.$case === 'int64Param' ? choice.int64Param : choice.$case === 'uint64Param' ? choice.uint64Param : null;
  if (value === null) throw new ServingError('INVALID_REQUEST', `parameter ${quoted(name)} must be a whole number`);
  return Number(value);
}

/** Whether it is there at all. */
export function hasParameter(parameters: Parameters, name: string): boolean {
  return ownParameter(parameters, name) !== undefined;
}

function ownParameter(parameters: Parameters, name: string): InferParameter['parameterChoice'] {
  return Object.hasOwn(parameters, name) ? parameters[name]!.parameterChoice : undefined;
}
