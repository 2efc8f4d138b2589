import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ServingError } from '../../core/errors.js';
import type {
  ModelInferRequest,
  ModelInferResponse,
  ModelStreamInferResponse,
} from '../../gen/inference/grpc_service.js';
import { callTimeout } from '../call-deadline.js';
import { traceCall } from '../call-trace.js';
import { unary, type Received } from '../received.js';
import { InferStream, type InferStreamContext } from './infer-stream.js';
import { Inference } from '../../protocol/open-inference/inference.js';

/** ModelInfer and ModelStreamInfer. */
export function inferService(context: InferStreamContext): UntypedServiceImplementation {
  return {
    modelInfer: unary<ModelInferRequest, ModelInferResponse>(async (request, call) => {
      const trace = traceCall(context.tracer, call);
      try {
        const timeout = callTimeout(call.getDeadline());
        const inference = Inference.start(request, { timeout, index: 0, trace }, context);
        let running = true;
        // grpc-js tells it of every call that is over.
        call.once('cancelled', () => {
          if (running) inference.cancel(CANCELLED);
        });
        const response = await inference.response.finally(() => (running = false));
        trace?.ended(null);
        return response;
      } catch (cause) {
        trace?.ended(ServingError.from(cause));
        throw cause;
      }
    }, context.logFault),
    modelStreamInfer: (call: ServerDuplexStream<Received<ModelInferRequest>, ModelStreamInferResponse>) =>
      void new InferStream(call, context).run(),
  };
}

const CANCELLED = new ServingError('CANCELLED', 'the client cancelled the call');
