import { randomUUID } from 'node:crypto';
import { GrpcStatus, ServingError } from '../core/errors.js';
import type { FrameError } from '../gen/sluice/v1/inference.js';

/** Told of faults of ours, with the id under which the client was told of them. */
export type FaultLog = (id: string, fault: ServingError) => void;

/** The error as a client may see it: a fault of ours is logged and hidden behind an id. */
export function forClient(error: ServingError, log: FaultLog): ServingError {
  if (error.status !== GrpcStatus.INTERNAL) return error;
  const id = randomUUID();
  log(id, error);
  return new ServingError(error.code, `internal error; the server's log has it under the id ${id}`);
}

/** The error of one frame or region. */
export function toFrameError(error: ServingError): FrameError {
  return { status: error.status, code: error.code, message: error.message, retryable: error.retryable };
}
