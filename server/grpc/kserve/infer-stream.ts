import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Share } from '../../core/access/client-limits.js';
import { ServingError } from '../../core/errors.js';
import type { StatisticsSink } from '../../core/statistics.js';
import type { CallTrace, Tracer } from '../../core/tracer.js';
import type {
  ModelInferRequest,
  ModelInferResponse,
  ModelStreamInferResponse,
} from '../../gen/inference/grpc_service.js';
import { forClient, type FaultLog } from '../../protocol/client-error.js';
import { callTimeout } from '../call-deadline.js';
import { reasonToEnd, type CallOrigin, type CallOrigins } from '../call-origins.js';
import { traceCall } from '../call-trace.js';
import type { Received } from '../received.js';
import { toStatus } from '../status.js';
import type { StreamLimits } from '../stream-settings.js';
import { StreamWindow, type Slot } from '../stream-window.js';
import { Inference, type InferenceContext } from '../../protocol/open-inference/inference.js';
import { requestBytes } from './request-bytes.js';

/** What a stream needs of the server. */
export interface InferStreamContext extends InferenceContext {
  readonly limits: StreamLimits;
  readonly origins: Pick<CallOrigins, 'of'>;
  readonly statistics: StatisticsSink;
  /** Null: nothing is traced. */
  readonly tracer: Tracer | null;
  readonly logFault: FaultLog;
  /** Aborted when the server begins to shut down. */
  readonly draining: AbortSignal;
}

/** With this header a request that fails ends the stream with its status. */
const ERROR_STATUS_HEADER = 'triton_grpc_error';

/** The empty answer beside an error; clients look for its id. */
const NO_ANSWER: ModelInferResponse = {
  modelName: '',
  modelVersion: '',
  id: '',
  parameters: {},
  outputs: [],
  rawOutputContents: [],
};

/**
 * One call of ModelStreamInfer. Requests run side by side, as many as the largest window has, and are answered in their
 * order; when that many are unanswered, reading stops, and HTTP/2 flow control stops the sender.
 */
export class InferStream {
  readonly #call: ServerDuplexStream<Received<ModelInferRequest>, ModelStreamInferResponse>;
  readonly #context: InferStreamContext;
  readonly #origin: CallOrigin;
  readonly #trace: CallTrace | null;
  readonly #errorsAsStatus: boolean;
  readonly #window = new StreamWindow<ModelStreamInferResponse>(
    (response) => this.#write(response),
    () => this.#endIfDraining(),
  );
  readonly #running = new Set<Inference>();
  #requests = 0;
  /** What has ended the call; null: nothing has. */
  #failure: ServingError | null = null;
  /** The client has half-closed. */
  #finished = false;

  constructor(
    call: ServerDuplexStream<Received<ModelInferRequest>, ModelStreamInferResponse>,
    context: InferStreamContext,
  ) {
    this.#call = call;
    this.#context = context;
    this.#origin = context.origins.of(call.metadata);
    this.#trace = traceCall(context.tracer, call);
    const [header] = call.metadata.get(ERROR_STATUS_HEADER);
    this.#errorsAsStatus = header === 'true' || header === '1';
  }

  /** Serves the call; resolves when it has ended, however it did. */
  async run(): Promise<void> {
    const statistics = this.#context.statistics.streamOpened('ModelStreamInfer');
    const endIfDraining = (): void => this.#endIfDraining();
    const ends = [this.#context.draining, this.#origin.leaving];
    this.#call.once('cancelled', () =>
      this.#failWith(new ServingError('CANCELLED', 'the client cancelled the stream')),
    );
    for (const end of ends) end.addEventListener('abort', endIfDraining);
    try {
      for await (const message of this.#call.iterator({ destroyOnReturn: false })) {
        await this.#accept(message as Received<ModelInferRequest>);
      }
      this.#finished = true;
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
    }
  }

  async #accept(message: Received<ModelInferRequest>): Promise<void> {
    if (message instanceof ServingError) throw message;
    await this.#window.room(this.#context.limits.maxWindow);
    if (this.#failure !== null) return;
    const slot = this.#window.open();
    let share: Share | null = null;
    try {
      share = this.#origin.take(requestBytes(message));
      const timeout = callTimeout(this.#call.getDeadline());
      const call = { timeout, index: this.#requests++, trace: this.#trace };
      const inference = Inference.start(message, call, this.#context);
      this.#running.add(inference);
      void this.#answer(inference, message.id, slot, share);
    } catch (cause) {
      share?.[Symbol.dispose]();
      this.#fail(ServingError.from(cause), message.id, slot);
    }
  }

  async #answer(inference: Inference, id: string, slot: Slot<ModelStreamInferResponse>, share: Share): Promise<void> {
    using _share = share;
    try {
      const inferResponse = await inference.response;
      // One request has one response, so that each is the last.
      inferResponse.parameters = {
        triton_final_response: { parameterChoice: { $case: 'boolParam', boolParam: true } },
      };
      slot.settle({ respond: () => ({ errorMessage: '', inferResponse }), discard: () => {} });
    } catch (cause) {
      this.#fail(ServingError.from(cause), id, slot);
    }
    this.#running.delete(inference);
  }

  /** Answers a request with an error, or ends the stream with it where the client wants that. */
  #fail(error: ServingError, id: string, slot: Slot<ModelStreamInferResponse>): void {
    if (this.#errorsAsStatus) {
      this.#failWith(error);
      return;
    }
    const { message: errorMessage } = forClient(error, this.#context.logFault);
    const response = { errorMessage, inferResponse: { ...NO_ANSWER, id } };
    slot.settle({ respond: () => response, discard: () => {} });
  }

  /** Ends the call with an error, once: what is queued leaves the queue, and nobody waits any more. */
  #failWith(error: ServingError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const inference of this.#running) inference.cancel(error);
    this.#window.close();
    // The iterator that reads the call meets the error as well, and leaves its loop.
    if (!this.#call.cancelled) this.#call.emit('error', toStatus(forClient(error, this.#context.logFault)));
  }

  /** While the server drains, or the connection is to end, a stream ends as soon as no request is in flight. */
  #endIfDraining(): void {
    const reason = reasonToEnd(this.#context.draining, this.#origin);
    if (reason !== null && this.#window.empty && !this.#finished) this.#failWith(reason);
  }

  /** Resolves when the transport can take more: a slow reader keeps its window full. */
  async #write(response: ModelStreamInferResponse): Promise<void> {
    if (this.#call.cancelled || this.#call.write(response)) return;
    await new Promise<void>((resolve) => this.#call.once('drain', resolve));
  }
}
