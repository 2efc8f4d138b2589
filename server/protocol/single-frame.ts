import type { Clock } from '../core/clock.js';
import { ServingError } from '../core/errors.js';
import { requireTable, type InferenceRequest, type InferenceResponse } from '../core/inference.js';
import { TASK_KINDS } from '../core/tasks.js';
import type { ModelRepository } from '../core/model-repository.js';
import type { Model, ModelLease } from '../core/model.js';
import type { CallTrace, HttpOrigin, Tracer } from '../core/tracer.js';
import {
  ClassifyRequest,
  DetectRequest,
  EmbedRequest,
  Frame,
  SegmentRequest,
  type FrameInfo,
} from '../gen/sluice/v1/inference.js';
import { classifyProtocol } from './classify-protocol.js';
import { forClient, type FaultLog } from './client-error.js';
import { detectProtocol } from './detect-protocol.js';
import { embedProtocol } from './embed-protocol.js';
import { answeredInfo, toAnswer } from './frame-answer.js';
import { newFrameInfo } from './frame-codec.js';
import { toRequest } from './frame-request.js';
import { traceHttpCall } from './http-trace.js';
import { messageToJson } from './message-json.js';
import { readQuery, type PictureKind, type Query, type QueryOptions } from './query-options.js';
import { segmentProtocol } from './segment-protocol.js';
import type { Answer, StreamProtocol } from './stream-protocol.js';

/** A picture that comes alone, outside of a stream. */
export interface SinglePicture extends HttpOrigin {
  readonly model: string;
  /** Null: the newest ready one. */
  readonly version: number | null;
  /** A JPEG, PNG or WebP file. */
  readonly picture: Uint8Array;
  /** Options of the call that the model's task answers. */
  readonly options: Query;
}

/** What answering needs of the server. */
export interface SingleFrameContext {
  readonly repository: ModelRepository;
  readonly clock: Clock;
  readonly logFault: FaultLog;
  /** Aborted, with the reason, when nothing is taken any more. */
  readonly draining: AbortSignal;
  /** As it is now; null: nothing is traced. */
  readonly tracer: () => Tracer | null;
}

/** One frame as a call of the protocol reads it, and answers it. */
interface Call {
  request(frame: Frame, arrivedAt: number, model: Model, signal: AbortSignal): InferenceRequest;
  respond(info: FrameInfo, answer: Answer): object;
}

/** The call of each kind with the options of a query. */
const CALLS: Record<PictureKind, (options: QueryOptions) => Call> = {
  detect: ({ score_threshold: scoreThreshold, nms_threshold: nmsThreshold, class_ids: classIds = [], ...others }) => {
    const options = { scoreThreshold, nmsThreshold, classIds, maxDetections: others.max_detections ?? 0 };
    return callOf(detectProtocol, DetectRequest.fromPartial({ options }));
  },
  embed: () => callOf(embedProtocol, EmbedRequest.fromPartial({})),
  classify: ({ score_threshold: scoreThreshold, top_k: topK = 0 }) =>
    callOf(classifyProtocol, ClassifyRequest.fromPartial({ options: { scoreThreshold, topK } })),
  segment: ({ probability_map: probabilityMap = false }) =>
    callOf(segmentProtocol, SegmentRequest.fromPartial({ options: { probabilityMap } })),
};

/**
 * Answers a picture by the call that its model's task answers. Resolves to the response of that call as protobuf's JSON has
 * it, or throws what a client may see of the ServingError that the frame met. When `signal` is aborted nobody waits any
 * more: what is queued leaves the queue.
 */
export async function answerPicture(
  asked: SinglePicture,
  context: SingleFrameContext,
  signal: AbortSignal,
): Promise<object> {
  const trace = traceHttpCall(context.tracer(), asked);
  try {
    context.draining.throwIfAborted();
    const response = await answer(asked, context, signal, trace);
    trace?.ended(null);
    return response;
  } catch (cause) {
    const error = ServingError.from(cause);
    trace?.ended(error);
    throw forClient(error, context.logFault);
  }
}

async function answer(
  asked: SinglePicture,
  context: SingleFrameContext,
  signal: AbortSignal,
  trace: CallTrace | null,
): Promise<object> {
  const arrivedAt = context.clock.now();
  let model: Model | null = null;
  let response: InferenceResponse | null = null;
  let error: ServingError | null = null;
  try {
    using lease = context.repository.acquire(asked.model, asked.version);
    ({ model } = lease);
    const { call, request } = readPicture(asked, lease, arrivedAt, signal);
    response = await infer(lease, request, signal);
    const { outcome } = response;
    if (outcome instanceof ServingError) throw outcome;
    const info = answeredInfo(newFrameInfo(NO_FRAME, 0, asked.model), response, model);
    const told = toAnswer(requireTable(outcome), response, request.parameters, model, context.logFault);
    return messageToJson(call.respond(info, told));
  } catch (cause) {
    error = ServingError.from(cause);
    throw error;
  } finally {
    const { timings = null, stages } = response ?? {};
    const told = { model: asked.model, version: model?.version ?? null, id: '', index: 0, arrivedAt };
    trace?.answered({ ...told, timings, stages, error });
  }
}

/** Throws what refuses the picture, which counts as the model's. */
function readPicture(
  { model: name, picture, options }: SinglePicture,
  lease: ModelLease,
  arrivedAt: number,
  signal: AbortSignal,
): { readonly call: Call; readonly request: InferenceRequest } {
  const { model } = lease;
  const kind = TASK_KINDS[model.config.task];
  try {
    if (kind === 'infer') {
      throw new ServingError('TASK_NOT_SUPPORTED', `model ${name} takes tensors, not pictures; call ModelInfer`);
    }
    const query = readQuery(kind, options);
    const call = CALLS[kind](query);
    return { call, request: call.request(frameOf(picture, query), arrivedAt, model, signal) };
  } catch (cause) {
    const error = ServingError.from(cause);
    lease.refused(error);
    throw error;
  }
}

async function infer(lease: ModelLease, request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> {
  const ticket = lease.enqueue(request);
  const withdraw = (): void => void ticket.withdraw(new ServingError('CANCELLED', 'the client went away'));
  signal.addEventListener('abort', withdraw);
  if (signal.aborted) withdraw();
  const response = await ticket.response;
  signal.removeEventListener('abort', withdraw);
  return response;
}

const NO_FRAME = Frame.fromPartial({});

function frameOf(encoded: Uint8Array, { timeout_ms: timeout, priority = 0 }: QueryOptions): Frame {
  const seconds = Math.floor((timeout ?? 0) / 1000);
  const nanos = Math.round(((timeout ?? 0) - seconds * 1000) * 1e6);
  return {
    ...NO_FRAME,
    priority,
    content: { $case: 'encoded', encoded },
    timeout: timeout === undefined ? undefined : { seconds, nanos },
  };
}

function callOf<Request>(protocol: StreamProtocol<Request, object>, message: Request): Call {
  const choice = protocol.options(message);
  return {
    request: (frame, arrivedAt, model, signal) =>
      toRequest({ message, frame, arrivedAt }, { choice, callTimeout: null, signal }, protocol, model),
    respond: (info, answer) => protocol.respond(info, answer),
  };
}
