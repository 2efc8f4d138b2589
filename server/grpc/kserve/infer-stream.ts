import type { ServerDuplexStream } from '@grpc/grpc-js';
import { ServingError } from '../../core/errors.js';
import type { StatisticsSink } from '../../core/statistics.js';
import type {
  ModelInferRequest,
  ModelInferResponse,
  ModelStreamInferResponse,
} from '../../gen/inference/grpc_service.js';
import { forClient, type FaultLog } from '../../protocol/client-error.js';
import { callTimeout } from '../call-deadline.js';
import { toStatus } from '../status.js';
import type { StreamLimits } from '../stream-settings.js';
import { StreamWindow, type Slot } from '../stream-window.js';
import type { Received } from './definition.js';
import { Inference, type InferenceContext } from './inference.js';

/** What a stream needs of the server. */
export interface InferStreamContext extends InferenceContext {
  readonly limits: StreamLimits;
  readonly statistics: StatisticsSink;
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
  readonly #errorsAsStatus: boolean;
  readonly #window = new StreamWindow<ModelStreamInferResponse>(
    (response) => this.#write(response),
    () => this.#endIfDraining(),
  );
  readonly #running = new Set<Inference>();
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
    const [header] = call.metadata.get(ERROR_STATUS_HEADER);
    this.#errorsAsStatus = header === 'true' || header === '1';
  }

  /** Serves the call; resolves when it has ended, however it did. */
  async run(): Promise<void> {
    const statistics = this.#context.statistics.streamOpened('ModelStreamInfer');
    const endIfDraining = (): void => this.#endIfDraining();
    this.#call.once('cancelled', () =>
      this.#failWith(new ServingError('CANCELLED', 'the client cancelled the stream')),
    );
    this.#context.draining.addEventListener('abort', endIfDraining);
    try {
      for await (const message of this.#call.iterator({ destroyOnReturn: false })) {
        await this.#accept(message as Received<ModelInferRequest>);
      }
      this.#finished = true;
      await this.#window.drained();
      if (this.#failure !== null) throw this.#failure;
      this.#call.end();
      statistics.ended(null);
    } catch (cause) {
      const error = this.#failure ?? ServingError.from(cause);
      this.#failWith(error);
      statistics.ended(error);
    } finally {
      this.#context.draining.removeEventListener('abort', endIfDraining);
    }
  }

  async #accept(message: Received<ModelInferRequest>): Promise<void> {
    if (message instanceof ServingError) throw message;
    await this.#window.room(this.#context.limits.maxWindow);
    if (this.#failure !== null) return;
    const slot = this.#window.open();
    try {
      const inference = Inference.start(message, callTimeout(this.#call.getDeadline()), this.#context);
      this.#running.add(inference);
      void this.#answer(inference, message.id, slot);
    } catch (cause) {
      this.#fail(ServingError.from(cause), message.id, slot);
    }
  }

  async #answer(inference: Inference, id: string, slot: Slot<ModelStreamInferResponse>): Promise<void> {
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

  /** While the server drains, a stream ends as soon as none of its requests is in flight. */
  #endIfDraining(): void {
    if (!this.#context.draining.aborted || !this.#window.empty || this.#finished) return;
    this.#failWith(new ServingError('SHUTTING_DOWN', 'the server is shutting down; open the stream again elsewhere'));
  }

  /** Resolves when the transport can take more: a slow reader keeps its window full. */
  async #write(response: ModelStreamInferResponse): Promise<void> {
    if (this.#call.cancelled || this.#call.write(response)) return;
    await new Promise<void>((resolve) => this.#call.once('drain', resolve));
  }
}
