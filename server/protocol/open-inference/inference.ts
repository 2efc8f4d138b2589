import type { Clock } from '../../core/clock.js';
import type { Ticket } from '../../core/dynamic-batcher.js';
import { ServingError } from '../../core/errors.js';
import type { InferenceResponse } from '../../core/inference.js';
import { inferRequest } from '../../core/open-inference/infer-request.js';
import { SharedOutputs } from '../../core/open-inference/shared-outputs.js';
import type { ModelRepository } from '../../core/model-repository.js';
import type { ModelLease } from '../../core/model.js';
import type { ServedMemory } from '../../core/shared-memory.js';
import type { CallTrace } from '../../core/tracer.js';
import { readVersion } from '../../core/version-policy.js';
import type { ModelInferRequest, ModelInferResponse } from '../../gen/inference/grpc_service.js';
import { readInferRequest, writeInferResponse, type ReadRequest } from './infer-codec.js';
import { readSequence } from './parameters.js';

/** What an inference needs of the server. */
export interface InferenceContext {
  readonly repository: ModelRepository;
  readonly clock: Clock;
  /** Null: clients share none. */
  readonly sharedMemory: ServedMemory | null;
}

/** What an inference needs of its call. */
export interface InferenceCall {
  /** Microseconds that the call has left; null: no limit. */
  readonly timeout: number | null;
  /** Place of the request in the call, from 0. */
  readonly index: number;
  /** Null: it is not traced. */
  readonly trace: CallTrace | null;
}

/** One request for tensors, from its message to its answer. It holds a lease on its model for as long as it takes. */
export class Inference {
  /** Rejects with a ServingError. */
  readonly response: Promise<ModelInferResponse>;
  readonly #ticket: Ticket;
  /** Aborted when nobody waits for the answer any more. */
  readonly #abandoned: AbortController;

  private constructor(ticket: Ticket, abandoned: AbortController, response: Promise<ModelInferResponse>) {
    this.#ticket = ticket;
    this.#abandoned = abandoned;
    this.response = response;
  }

  /** Queues a request. Throws a ServingError. */
  static start(message: ModelInferRequest, call: InferenceCall, context: InferenceContext): Inference {
    const { repository, clock } = context;
    const memory = context.sharedMemory?.memory ?? null;
    const arrivedAt = clock.now();
    const { index } = call;
    const told = { model: message.modelName, id: message.id, index, arrivedAt };
    let lease: ModelLease | null = null;
    let shared: SharedOutputs | null = null;
    try {
      const held = repository.acquire(
        message.modelName,
        readVersion(message.modelVersion),
        readSequence(message.parameters),
      );
      lease = held;
      const { asked, request } = refusing(held, () => {
        const read = readInferRequest(message, memory);
        const checked = inferRequest(held.model, read, { arrivedAt, callTimeout: call.timeout });
        shared = memory === null ? null : SharedOutputs.reserve(memory, read.places);
        return { asked: read, request: checked };
      });
      const abandoned = new AbortController();
      const ticket = held.enqueue({ ...request, signal: abandoned.signal });
      const onResponse = ({ timings, steps, outcome }: InferenceResponse): void => {
        const error = outcome instanceof ServingError ? outcome : null;
        call.trace?.answered({ ...told, version: held.model.version, timings, steps, error });
      };
      const kept = { lease: held, shared };
      return new Inference(ticket, abandoned, answer(message.id, asked, ticket, kept, onResponse));
    } catch (cause) {
      const version = lease?.model.version ?? null;
      lease?.[Symbol.dispose]();
      (shared as SharedOutputs | null)?.[Symbol.dispose]();
      call.trace?.answered({ ...told, version, timings: null, error: ServingError.from(cause) });
      throw cause;
    }
  }

  /** Takes it out of the queue, where it is still there; an ensemble that runs starts no further step. */
  cancel(reason: ServingError): void {
    this.#abandoned.abort(reason);
    this.#ticket.withdraw(reason);
  }
}

/** What a request holds until it is answered. */
interface Held {
  readonly lease: ModelLease;
  readonly shared: SharedOutputs | null;
}

/** Counts as refused what `read` throws. */
function refusing<T>(lease: ModelLease, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const error = ServingError.from(cause);
    lease.refused(error);
    throw error;
  }
}

async function answer(
  id: string,
  asked: ReadRequest,
  ticket: Ticket,
  { lease, shared }: Held,
  onResponse: (response: InferenceResponse) => void,
): Promise<ModelInferResponse> {
  using held = lease;
  using _shared = shared;
  const response = await ticket.response;
  onResponse(response);
  const { outcome } = response;
  if (outcome instanceof ServingError) throw outcome;
  if (!('tensors' in outcome)) throw new Error('a request for tensors was answered with a table');
  const { name, version, signature } = held.model;
  const answering = {
    name,
    version,
    labelsOf: (output: string) => held.model.labelsOf(output),
    batched: signature?.batched === true,
  };
  return writeInferResponse(id, outcome.tensors, asked, answering, shared);
}
