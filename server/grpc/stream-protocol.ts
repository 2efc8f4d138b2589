import type { ResultTable, TaskParameters } from '../core/inference.js';
import type { Model } from '../core/model.js';
import type { StreamingCall } from '../core/statistics.js';
import type { Frame, FrameInfo, StreamOptions } from '../gen/sluice/v1/inference.js';

/** What `Detect` and `Embed` do differently; StreamSession does the rest. */
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
  /** Rows of a batch that the parameters take. */
  rows(parameters: TaskParameters): number;
  /** The answer; `table` is null for a failed frame, whose error is in `info`. */
  respond(info: FrameInfo, table: ResultTable | null, model: Model | null): Response;
}

/** The options of a stream: what every stream has, and what only its own protocol reads. */
export interface StreamChoice {
  readonly stream: StreamOptions | undefined;
}
