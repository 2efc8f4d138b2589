import { quoted, ServingError } from '../../core/errors.js';
import type { AskedSequence, SequenceId } from '../../core/sequences/sequence-step.js';
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

/** A text; null: it is not there. Throws INVALID_REQUEST where it is something else. */
export function readText(parameters: Parameters, name: string): string | null {
  const choice = ownParameter(parameters, name);
  if (choice === undefined) return null;
  if (choice.$case === 'stringParam') return choice.stringParam;
  throw new ServingError('INVALID_REQUEST', `parameter ${quoted(name)} must be a text`);
}

/** The sequence that a request belongs to; null: none. Throws INVALID_REQUEST. */
export function readSequence(parameters: Parameters): AskedSequence | null {
  const id = readSequenceId(parameters);
  const start = readBoolean(parameters, 'sequence_start');
  const end = readBoolean(parameters, 'sequence_end');
  return id === null ? null : { id, start, end };
}

/** A whole number or a text; as Triton has it, 0 and no text are none. */
function readSequenceId(parameters: Parameters): SequenceId | null {
  const choice = ownParameter(parameters, 'sequence_id');
  if (choice === undefined) return null;
  if (choice.$case === 'stringParam') return choice.stringParam || null;
  if (choice.$case === 'int64Param') return choice.int64Param || null;
  if (choice.$case === 'uint64Param') return choice.uint64Param || null;
  throw new ServingError('INVALID_REQUEST', 'parameter "sequence_id" must be a whole number or a text');
}

/** False where it is not there. */
function readBoolean(parameters: Parameters, name: string): boolean {
  const choice = ownParameter(parameters, name);
  if (choice === undefined) return false;
  if (choice.$case === 'boolParam') return choice.boolParam;
  throw new ServingError('INVALID_REQUEST', `parameter ${quoted(name)} must be true or false`);
}

function ownParameter(parameters: Parameters, name: string): InferParameter['parameterChoice'] {
  return Object.hasOwn(parameters, name) ? parameters[name]!.parameterChoice : undefined;
}
