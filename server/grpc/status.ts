import type { StatusObject } from '@grpc/grpc-js';
import type { ServingError } from '../core/errors.js';

/** Longest text of a status: it travels in a header, and a connection whose headers are too long hangs. */
const MAX_DETAILS = 2048;

/** The status that ends a call. */
export function toStatus({ status, message }: ServingError): Pick<StatusObject, 'code' | 'details'> {
  const details = message.length <= MAX_DETAILS ? message : `${message.slice(0, MAX_DETAILS)}...`;
  return { code: status, details };
}
