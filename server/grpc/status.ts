import { randomUUID } from 'node:crypto';
import { status as Status, type StatusObject } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';
import type { FrameError } from '../gen/sluice/v1/inference.js';

/** Told of faults of ours, with the id under which the client was told of them. */
export type FaultLog = (id: string, fault: ServingError) => void;

/** The error as a client may see it: a fault of ours is logged and hidden behind an id. */
export function forClient(error: ServingError, log: FaultLog): ServingError {
  if (error.status !== Status.INTERNAL) return error;
  const id = randomUUID();
  log(id, error);
  return new ServingError(error.code, `internal error; the server's log has it under the id ${id}`);
}

/** Longest text of a status: it travels in a header, and a connection whose headers are too long hangs. */
const MAX_DETAILS = 2048;

/** The status that ends a call. */
export function toStatus({ status, message }: ServingError): Pick<StatusObject, 'code' | 'details'> {
  const details = message.length <= MAX_DETAILS ? message : `${message.slice(0, MAX_DETAILS)}...`;
  return { code: status, details };
}

/** The error of one frame or region, inside a stream. */
export function toFrameError(error: ServingError): FrameError {
  return { status: error.status, code: error.code, message: error.message, retryable: error.retryable };
}
