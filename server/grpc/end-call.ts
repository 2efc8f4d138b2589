import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ServingError } from '../core/errors.js';
import { toStatus } from './status.js';

/**
 * Ends a call with the status of an error. The iterator that reads the call meets the error as well, leaves its loop and
 * destroys the call: with an answer still on its way grpc-js would never send the status, so that answer goes first.
 */
export function endWithError(call: ServerDuplexStream<unknown, unknown>, error: ServingError): void {
  const end = (): void => void call.emit('error', toStatus(error));
  if (call.writableLength === 0) end();
  else call.once('drain', end);
}
