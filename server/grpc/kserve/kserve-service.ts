import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { openInferenceCalls, type CallsContext } from '../../protocol/open-inference/calls.js';
import { unary } from '../received.js';
import { inferService } from './infer-service.js';
import type { InferStreamContext } from './infer-stream.js';

/** What the open inference protocol needs of the server. */
export interface KserveOptions extends InferStreamContext, CallsContext {}

/** The service of the open inference protocol; KSERVE_DEFINITION says what it is called by. */
export function kserveService(options: KserveOptions): UntypedServiceImplementation {
  const calls = Object.entries(openInferenceCalls(options)).map(([name, answer]) => [
    name,
    unary<object, object>(answer as (request: object) => object | Promise<object>, options.logFault),
  ]);
  return { ...inferService(options), ...(Object.fromEntries(calls) as UntypedServiceImplementation) };
}
