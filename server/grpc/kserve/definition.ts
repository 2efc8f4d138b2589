import type {
  handleUnaryCall,
  MethodDefinition,
  sendUnaryData,
  ServerUnaryCall,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { errorMessage, ServingError } from '../../core/errors.js';
import { GRPCInferenceServiceService } from '../../gen/inference/grpc_service.js';
import { forClient, type FaultLog } from '../../protocol/client-error.js';
import { toStatus } from '../status.js';
import { encodeInferResponse, encodeStreamResponse } from './infer-encoder.js';

/** A message, or why it could not be read: grpc-js would answer that with INTERNAL. */
export type Received<Request> = Request | ServingError;

const METHODS = {
  ...GRPCInferenceServiceService,
  modelInfer: { ...GRPCInferenceServiceService.modelInfer, responseSerialize: encodeInferResponse },
  modelStreamInfer: { ...GRPCInferenceServiceService.modelStreamInfer, responseSerialize: encodeStreamResponse },
};

/** The service. Its calls are told of messages that cannot be read. */
export const KSERVE_DEFINITION: ServiceDefinition = Object.fromEntries(
  Object.entries(METHODS).map(([name, method]) => [name, tolerant(method as AnyMethod)]),
);

type AnyMethod = MethodDefinition<object, object>;

function tolerant(method: AnyMethod): MethodDefinition<Received<object>, object> {
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
