import { GrpcStatus, type ServingError } from '../core/errors.js';

const HTTP_STATUS: Record<GrpcStatus, number> = {
  [GrpcStatus.OK]: 200,
  [GrpcStatus.CANCELLED]: 499,
  [GrpcStatus.INVALID_ARGUMENT]: 400,
  [GrpcStatus.DEADLINE_EXCEEDED]: 504,
  [GrpcStatus.NOT_FOUND]: 404,
  [GrpcStatus.ALREADY_EXISTS]: 409,
  [GrpcStatus.PERMISSION_DENIED]: 403,
  [GrpcStatus.RESOURCE_EXHAUSTED]: 429,
  [GrpcStatus.FAILED_PRECONDITION]: 409,
  [GrpcStatus.ABORTED]: 409,
  [GrpcStatus.UNIMPLEMENTED]: 501,
  [GrpcStatus.INTERNAL]: 500,
  [GrpcStatus.UNAVAILABLE]: 503,
  [GrpcStatus.UNAUTHENTICATED]: 401,
};

/** The HTTP status of an error. */
export function httpStatus({ code, status }: ServingError): number {
  return code === 'MESSAGE_TOO_LARGE' ? 413 : HTTP_STATUS[status];
}

/** The body of an answer with an error. */
export function errorBody({ code, message, retryable }: ServingError): object {
  return { error: message, code, retryable };
}
