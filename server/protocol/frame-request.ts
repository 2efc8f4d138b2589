import { earliestDeadline } from '../core/deadlines.js';
import { regionsOf, type InferenceRequest } from '../core/inference.js';
import { TASK_INPUTS } from '../core/model-config.js';
import type { Model } from '../core/model.js';
import type { Frame } from '../gen/sluice/v1/inference.js';
import { readFrame } from './frame-codec.js';
import type { StreamChoice, StreamProtocol } from './stream-protocol.js';

/** A frame as its stream has it. */
export interface StreamFrame<Request> {
  readonly message: Request;
  readonly frame: Frame;
  /** Microseconds of the clock. */
  readonly arrivedAt: number;
}

/** What of a request does not come from the frame. */
export interface StreamContext extends Pick<InferenceRequest, 'keep' | 'signal'> {
  readonly choice: StreamChoice;
  /** Microseconds; null: none. */
  readonly callTimeout: number | null;
}

/** What a frame asks of a model, its defaults filled in. Throws INVALID_REQUEST, BAD_IMAGE or BAD_REGION. */
export function toRequest<Request>(
  { message, frame, arrivedAt }: StreamFrame<Request>,
  { choice, callTimeout, keep, signal }: StreamContext,
  protocol: Pick<StreamProtocol<Request, unknown>, 'parameters'>,
  model: Model,
): InferenceRequest {
  const header = readFrame(frame, TASK_INPUTS[model.config.task]);
  const parameters = protocol.parameters(message, choice, model);
  const batching = model.config.dynamic_batching;
  const limits = [header.timeout, batching.default_queue_policy.default_timeout_microseconds || null, callTimeout];
  return {
    content: header.content,
    parameters,
    rows: Math.max(1, regionsOf(parameters).length),
    batchKey: '',
    arrivedAt,
    deadlineAt: earliestDeadline(arrivedAt, limits),
    priority: header.priority === 0 ? batching.default_priority_level : header.priority,
    keep,
    signal,
  };
}
