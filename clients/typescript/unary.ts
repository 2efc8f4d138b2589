import type { Client, ServiceError } from '@grpc/grpc-js';

/** A method of a generated service that answers one message with one. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Calls a method. Rejects with grpc-js's ServiceError. */
export function unary<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, response?: Response): void => {
      if (error === null) resolve(response as Response);
      else reject(error);
    };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, done);
  });
}
