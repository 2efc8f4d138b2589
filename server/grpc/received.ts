import type {
  handleUnaryCall,
  MethodDefinition,
  sendUnaryData,
  ServerUnaryCall,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { errorMessage, ServingError } from '../core/errors.js';
import { forClient, type FaultLog } from '../protocol/client-error.js';
import { toStatus } from './status.js';

/** A message, or why it could not be read: grpc-js would answer that with INTERNAL. */
export type Received<Request> = Request | ServingError;

type AnyMethod = MethodDefinition<object, object>;

/** The service with calls that are told of messages that cannot be read. */
export function tolerant(service: Readonly<Record<string, unknown>>): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [name, tolerantMethod(method as AnyMethod)]),
  );
}

function tolerantMethod(method: AnyMethod): MethodDefinition<Received<object>, object> {
  const read = (bytes: Buffer): Received<object> => {
    try {
      return method.requestDeserialize(bytes);
    } catch (cause) {
      const why = `the message cannot be read as protobuf: ${errorMessage(cause)}`;
      return new ServingError('INVALID_REQUEST', why, { cause });
    }
  };
  return {
    ...method,
    requestSerialize: method.requestSerialize as AnyMethod['requestSerialize'],
    requestDeserialize: read,
  };
}

/** A call of one request and one answer. What `answer` throws is its status. */
export function unary<Request extends object, Response>(
  answer: (request: Request, call: ServerUnaryCall<Received<Request>, Response>) => Response | Promise<Response>,
  logFault: FaultLog,
): handleUnaryCall<Received<Request>, Response> {
  return (call, callback: sendUnaryData<Response>) => {
    run(call).then(
      (response) => callback(null, response),
      (cause: unknown) => callback(toStatus(forClient(ServingError.from(cause), logFault))),
    );
  };
  async function run(call: ServerUnaryCall<Received<Request>, Response>): Promise<Response> {
    const { request } = call;
    if (request instanceof ServingError) throw request;
    return await answer(request, call);
  }
}
