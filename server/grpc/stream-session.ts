import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Share } from '../core/access/client-limits.js';
import type { Ticket } from '../core/dynamic-batcher.js';
import { ServingError } from '../core/errors.js';
import { requireTable, type InferenceRequest, type InferenceResponse, type TaskParameters } from '../core/inference.js';
import type { Model, ModelLease } from '../core/model.js';
import { contentBytes } from '../core/picture.js';
import type { CallTrace } from '../core/tracer.js';
import { FramePolicy, type FrameInfo } from '../gen/sluice/v1/inference.js';
import { forClient, toFrameError } from '../protocol/client-error.js';
import { answeredInfo, toAnswer } from '../protocol/frame-answer.js';
import { newFrameInfo } from '../protocol/frame-codec.js';
import { toRequest, type StreamFrame } from '../protocol/frame-request.js';
import type { Answer, Finisher, StreamChoice, StreamProtocol } from '../protocol/stream-protocol.js';
import { callTimeout } from './call-deadline.js';
import { reasonToEnd, type CallOrigin } from './call-origins.js';
import { traceCall, tracedFrame } from './call-trace.js';
import { countRefused } from './count-refused.js';
import type { Received } from './received.js';
import type { Inferred, SessionContext } from './session-context.js';
import { toStatus } from './status.js';
import { chooseModel, type StreamSettings } from './stream-settings.js';
import { StreamWindow, type Slot } from './stream-window.js';

/** A frame that was read and not yet handed to a model. */
interface PendingFrame<Request, Response> extends StreamFrame<Request> {
  readonly index: number;
  readonly slot: Slot<Response>;
}

/**
 * One call from its first message to its status. Frames are read as the window allows, inferred
 * side by side and answered in their order. The window bounds what the stream may hold in the server: when it is full,
 * reading stops, and HTTP/2 flow control stops the sender.
 */
export class StreamSession<Request, Response> {
  readonly #call: ServerDuplexStream<Received<Request>, Response>;
  readonly #protocol: StreamProtocol<Request, Response>;
  readonly #context: SessionContext;
  readonly #origin: CallOrigin;
  readonly #trace: CallTrace | null;
  #settings: StreamSettings | null = null;
  #choice!: StreamChoice;
  readonly #window = new StreamWindow<Response>(
    (response) => this.#write(response),
    () => this.#endIfDraining(),
  );
  #frames = 0;
  /** The client has half-closed. */
  #finished = false;
  /** What has ended the call; null: nothing has. */
  #failure: ServingError | null = null;
  /** With FRAME_POLICY_LATEST: the newest frame, while all the window is taken by running ones. */
  #held: PendingFrame<Request, Response> | null = null;
  /** Aborted when nobody waits for answers any more. */
  readonly #abandoned = new AbortController();
  #finisher: Finisher<Response> | null = null;
  /** Requests that are queued or running, by the slot that waits for them. */
  readonly #tickets = new Map<Slot<Response>, Ticket>();

  constructor(
    call: ServerDuplexStream<Received<Request>, Response>,
    protocol: StreamProtocol<Request, Response>,
    context: SessionContext,
  ) {
    this.#call = call;
    this.#protocol = protocol;
    this.#context = context;
    this.#origin = context.origins.of(call.metadata);
    this.#trace = traceCall(context.tracer, call);
  }

  /** Serves the call; resolves when it has ended, however it did. */
  async run(): Promise<void> {
    const statistics = this.#context.statistics.streamOpened(this.#protocol.call);
    const endIfDraining = (): void => this.#endIfDraining();
    const ends = [this.#context.draining, this.#origin.leaving];
    this.#call.once('cancelled', () =>
      this.#failWith(new ServingError('CANCELLED', 'the client cancelled the stream')),
    );
    for (const end of ends) end.addEventListener('abort', endIfDraining);
    try {
      await this.#readAll();
      await this.#window.drained();
      if (this.#failure !== null) throw this.#failure;
      this.#call.end();
      statistics.ended(null);
      this.#trace?.ended(null);
    } catch (cause) {
      const error = this.#failure ?? ServingError.from(cause);
      this.#failWith(error);
      statistics.ended(error);
      this.#trace?.ended(error);
    } finally {
      for (const end of ends) end.removeEventListener('abort', endIfDraining);
      this.#finisher?.[Symbol.dispose]();
    }
  }

  /** Ends the call with an error, once: what is queued leaves the queue, and nobody waits any more. */
  #failWith(error: ServingError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#held = null;
    this.#abandoned.abort(error);
    for (const ticket of this.#tickets.values()) ticket.withdraw(error);
    this.#window.close();
    // The iterator that reads the call meets the error as well, and leaves its loop.
    if (!this.#call.cancelled) this.#call.emit('error', toStatus(forClient(error, this.#context.logFault)));
  }

  /**
   * While the server drains, or the connection is to end, a stream ends as soon as none of its frames is in flight: the
   * client goes on elsewhere, and a stream that always has frames in flight may finish within the time that is left.
   */
  #endIfDraining(): void {
    const reason = reasonToEnd(this.#context.draining, this.#origin);
    if (reason !== null && this.#window.empty && !this.#finished) this.#failWith(reason);
  }

  async #readAll(): Promise<void> {
    for await (const message of this.#call.iterator({ destroyOnReturn: false })) {
      await this.#accept(message as Received<Request>);
    }
    this.#finished = true;
  }

  async #accept(message: Received<Request>): Promise<void> {
    if (message instanceof ServingError) throw message;
    const first = this.#settings === null;
    if (first) this.#open(message);
    const frame = this.#protocol.frame(message);
    if (first && frame === undefined) return;

    const { policy, window } = this.#settings!;
    const latest = policy === FramePolicy.FRAME_POLICY_LATEST;
    if (latest) this.#dropWaiting();
    // Dropped frames still have to be told: a reader that takes nothing stops a latest stream too, only later.
    await this.#window.room(latest ? window + this.#context.limits.maxWindow : window);
    if (this.#failure !== null) return;
    const pending: PendingFrame<Request, Response> = {
      message,
      frame: frame ?? { frameId: '', captureTime: undefined, timeout: undefined, priority: 0, content: undefined },
      arrivedAt: this.#context.clock.now(),
      index: this.#frames++,
      slot: this.#window.open(),
    };
    if (!first && this.#protocol.hasOptions(message)) {
      this.#fail(pending, new ServingError('INVALID_REQUEST', 'options are allowed on the first message only'));
    } else if (latest && this.#tickets.size >= window) this.#held = pending;
    else this.#submit(pending);
  }

  /** Reads the first message. Throws what ends the stream. */
  #open(message: Request): void {
    this.#choice = this.#protocol.options(message);
    const { repository, limits } = this.#context;
    this.#settings = chooseModel(this.#choice.stream, this.#protocol, repository, limits);
    this.#finisher = this.#protocol.finisher?.(this.#choice, this.#context) ?? null;
  }

  #submit(pending: PendingFrame<Request, Response>): void {
    let lease: ModelLease | null = null;
    let share: Share | null = null;
    try {
      lease = this.#acquire();
      const request = this.#toRequest(pending, lease);
      share = countRefused(lease, () => this.#origin.take(contentBytes(request.content)));
      const ticket = lease.enqueue(request);
      this.#tickets.set(pending.slot, ticket);
      void this.#answer(pending, request.parameters, ticket, lease, share);
    } catch (cause) {
      share?.[Symbol.dispose]();
      lease?.[Symbol.dispose]();
      this.#fail(pending, ServingError.from(cause));
    }
  }

  /** Looked up for each frame, so that a stream goes on with the new version after a reload. */
  #acquire(): ModelLease {
    const { model, version } = this.#settings!;
    return this.#context.repository.acquire(model, version);
  }

  #toRequest(pending: PendingFrame<Request, Response>, lease: ModelLease): InferenceRequest {
    const context = {
      choice: this.#choice,
      callTimeout: callTimeout(this.#call.getDeadline()),
      keep: this.#finisher?.keep,
      signal: this.#abandoned.signal,
    };
    return countRefused(lease, () => toRequest(pending, context, this.#protocol, lease.model));
  }

  async #answer(
    pending: PendingFrame<Request, Response>,
    parameters: TaskParameters,
    ticket: Ticket,
    lease: ModelLease,
    share: Share,
  ): Promise<void> {
    using held = lease;
    using _share = share;
    const response = await ticket.response;
    this.#tickets.delete(pending.slot);
    try {
      this.#respond(pending, parameters, response, held.model);
    } catch (cause) {
      this.#fail(pending, ServingError.from(cause));
    }
    const next = this.#held;
    this.#held = null;
    if (next !== null) this.#submit(next);
  }

  #respond(
    pending: PendingFrame<Request, Response>,
    parameters: TaskParameters,
    response: InferenceResponse,
    model: Model,
  ): void {
    const { outcome, picture } = response;
    const inferred = { model, response };
    if (outcome instanceof ServingError) {
      picture?.release();
      this.#fail(pending, outcome, inferred);
      return;
    }
    const answer = toAnswer(requireTable(outcome), response, parameters, model, this.#context.logFault);
    pending.slot.settle({
      respond: () => this.#finish(pending, answer, inferred),
      discard: () => picture?.release(),
    });
  }

  /** The response to a frame whose turn it is. Never rejects. */
  async #finish(pending: PendingFrame<Request, Response>, answer: Answer, inferred: Inferred): Promise<Response> {
    const { model, response } = inferred;
    const { picture } = response;
    try {
      const plain = this.#protocol.respond(this.#info(pending, inferred), answer);
      const finished = await (this.#finisher?.finish(plain, { model, picture }) ?? plain);
      this.#trace?.answered(tracedFrame(pending, this.#settings!.model, inferred, null));
      return finished;
    } catch (cause) {
      return this.#failed(pending, ServingError.from(cause), inferred);
    } finally {
      picture?.release();
    }
  }

  /** Answers a frame with an error. */
  #fail(pending: PendingFrame<Request, Response>, error: ServingError, inferred: Inferred | null = null): void {
    const response = this.#failed(pending, error, inferred);
    pending.slot.settle({ respond: () => response, discard: () => {} });
  }

  /** The response to a frame that failed. */
  #failed(pending: PendingFrame<Request, Response>, error: ServingError, inferred: Inferred | null): Response {
    this.#trace?.answered(tracedFrame(pending, this.#settings!.model, inferred, error));
    const frameError = toFrameError(forClient(error, this.#context.logFault));
    return this.#protocol.respond({ ...this.#info(pending, inferred), error: frameError }, null);
  }

  #info({ frame, index }: PendingFrame<Request, Response>, inferred: Inferred | null): FrameInfo {
    const info = newFrameInfo(frame, index, this.#settings!.model);
    return inferred === null ? info : answeredInfo(info, inferred.response, inferred.model);
  }

  /** With FRAME_POLICY_LATEST, before a newer frame: what still waits is dropped. */
  #dropWaiting(): void {
    const reason = new ServingError('FRAME_DROPPED', 'a newer frame arrived while this one waited');
    for (const ticket of this.#tickets.values()) ticket.withdraw(reason);
    if (this.#held === null) return;
    this.#fail(this.#held, reason);
    this.#held = null;
    this.#countRefused(reason);
  }

  /** Counts a frame that failed before a model was asked for; a model that is gone by now counts no more. */
  #countRefused(error: ServingError): void {
    const { model, version } = this.#settings!;
    if (!this.#context.repository.isReady(model, version)) return;
    using lease = this.#acquire();
    lease.refused(error);
  }

  /** Resolves when the transport can take more: a slow reader keeps its window full. */
  async #write(response: Response): Promise<void> {
    if (this.#call.cancelled || this.#call.write(response)) return;
    await new Promise<void>((resolve) => this.#call.once('drain', resolve));
  }
}
