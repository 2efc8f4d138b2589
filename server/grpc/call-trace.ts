import type { Metadata } from '@grpc/grpc-js';
import type { ServingError } from '../core/errors.js';
import type { CallTrace, TracedRequest, Tracer } from '../core/tracer.js';
import type { StreamFrame } from '../protocol/frame-request.js';
import type { Inferred } from './session-context.js';

/** What of a call its trace begins with. */
interface BegunCall {
  readonly metadata: Metadata;
  /** `/sluice.v1.Inference/Detect`. */
  getPath(): string;
}

/** Begins the trace of a call, below the span of the client that its metadata may name. Null: nothing is traced. */
export function traceCall(tracer: Tracer | null, call: BegunCall): CallTrace | null {
  if (tracer === null) return null;
  const name = call.getPath().slice(1);
  return tracer.callBegan({
    name,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': name },
    header: (header) => {
      const values = call.metadata.get(header);
      return values.length === 0 ? undefined : values.join(',');
    },
  });
}

/** A frame as its trace is told of it; `inferred` is null for one that never got to its model. */
export function tracedFrame(
  { frame, index, arrivedAt }: Pick<StreamFrame<unknown>, 'frame' | 'arrivedAt'> & { readonly index: number },
  model: string,
  inferred: Inferred | null,
  error: ServingError | null,
): TracedRequest {
  return {
    model,
    version: inferred?.model.version ?? null,
    id: frame.frameId,
    index,
    arrivedAt,
    timings: inferred?.response.timings ?? null,
    stages: inferred?.response.stages,
    error,
  };
}
