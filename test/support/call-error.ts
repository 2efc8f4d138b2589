import type { ServiceError } from '@grpc/grpc-js';

/** The error of gRPC with which a call fails; throws when it does not fail. */
export async function callError(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause as ServiceError,
  );
  if (error === null) throw new Error('the call was expected to fail');
  return error;
}
