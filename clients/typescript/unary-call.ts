import { Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { callOptions, type CallSettings } from './call-settings.js';

/** What a call needs to know of its method. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Asks once. Rejects with grpc-js's ServiceError. */
export function unaryCall<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  request: Request,
  settings: CallSettings,
): Promise<Response> {
  const { signal } = settings;
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, response?: Response): void => {
      signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response as Response);
      else reject(error);
    };
    const options = callOptions(settings);
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      options,
      done,
    );
    const cancel = (): void => call.cancel();
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
