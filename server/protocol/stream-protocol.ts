import type { InferenceResult, ResultTable, TaskParameters } from '../core/inference.js';
import type { Annotator } from '../core/annotation.js';
import type { Clock } from '../core/clock.js';
import type { Model } from '../core/model.js';
import type { HeldPicture, Keep } from '../core/picture.js';
import type { StreamingCall } from '../core/statistics.js';
import type { Frame, FrameInfo, StreamOptions } from '../gen/sluice/v1/inference.js';

/** What was inferred of a frame. */
export interface Answer extends Omit<InferenceResult, 'outcome' | 'picture'> {
  readonly table: ResultTable;
  readonly parameters: TaskParameters;
  /** Name of each class; empty where the model has no labels file. */
  readonly labels: readonly string[];
}

/** What a response came from. */
export interface Answered {
  readonly model: Model;
  /** Of a request that asked to keep it. */
  readonly picture: HeldPicture | undefined;
}

/** What one stream does to its responses before they are written. */
export interface Finisher<Response> extends Disposable {
  /** What is to be kept of pictures for that; undefined: nothing. */
  readonly keep: Keep | undefined;
  /** Called for each response with results, in the order of the frames. Throws what the frame then fails with. */
  finish(response: Response, answered: Answered): Response | Promise<Response>;
}

/** What finishers need of the server. */
export interface FinisherTools {
  readonly annotate: Annotator;
  readonly clock: Clock;
}

/** What the calls of the protocol do differently; StreamSession does the rest. */
export interface StreamProtocol<Request, Response> {
  /** Name of the call, for messages. */
  readonly call: StreamingCall;
  /** Kind of the parameters; a model whose task has another kind is refused. */
  readonly kind: TaskParameters['kind'];
  hasOptions(message: Request): boolean;
  /** The options of the first message. Throws INVALID_REQUEST when they are out of range. */
  options(message: Request): StreamChoice;
  frame(message: Request): Frame | undefined;
  /** What the frame asks for, the model's defaults filled in. Throws INVALID_REQUEST or BAD_REGION. */
  parameters(message: Request, choice: StreamChoice, model: Model): TaskParameters;
  /** The response; `answer` is null for a failed frame, whose error is in `info`. */
  respond(info: FrameInfo, answer: Answer | null): Response;
  /** For a new stream; left out: its responses are written as they are. */
  finisher?(choice: StreamChoice, tools: FinisherTools): Finisher<Response>;
}

/** The options of a stream: what every stream has, and what only its own protocol reads. */
export interface StreamChoice {
  readonly stream: StreamOptions | undefined;
}
