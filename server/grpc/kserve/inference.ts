import type { Clock } from '../../core/clock.js';
import type { Ticket } from '../../core/dynamic-batcher.js';
import { ServingError } from '../../core/errors.js';
import { inferRequest } from '../../core/open-inference/infer-request.js';
import type { ModelRepository } from '../../core/model-repository.js';
import type { ModelLease } from '../../core/model.js';
import { readVersion } from '../../core/version-policy.js';
import type { ModelInferRequest, ModelInferResponse } from '../../gen/inference/grpc_service.js';
import { readInferRequest, writeInferResponse, type ReadRequest } from './infer-codec.js';

/** What an inference needs of the server. */
export interface InferenceContext {
  readonly repository: ModelRepository;
  readonly clock: Clock;
}

/** One request for tensors, from its message to its answer. It holds a lease on its model for as long as it takes. */
export class Inference {
  /** Rejects with a ServingError. */
  readonly response: Promise<ModelInferResponse>;
  readonly #ticket: Ticket;

  private constructor(ticket: Ticket, response: Promise<ModelInferResponse>) {
    this.#ticket = ticket;
    this.response = response;
  }

  /** Queues a request. `callTimeout`: microseconds that its call has left; null: no limit. Throws a ServingError. */
  static start(
    message: ModelInferRequest,
    callTimeout: number | null,
    { repository, clock }: InferenceContext,
  ): Inference {
    const arrivedAt = clock.now();
    const lease = repository.acquire(message.modelName, readVersion(message.modelVersion));
    try {
      const { asked, request } = refusing(lease, () => {
        const read = readInferRequest(message);
        return { asked: read, request: inferRequest(lease.model, read, { arrivedAt, callTimeout }) };
      });
      const ticket = lease.enqueue(request);
      return new Inference(ticket, answer(message.id, asked, ticket, lease));
    } catch (cause) {
      lease[Symbol.dispose]();
      throw cause;
    }
  }

  /** Takes it out of the queue, where it is still there. */
  cancel(reason: ServingError): void {
    this.#ticket.withdraw(reason);
  }
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

async function answer(id: string, asked: ReadRequest, ticket: Ticket, lease: ModelLease): Promise<ModelInferResponse> {
  using held = lease;
  const { outcome } = await ticket.response;
  if (outcome instanceof ServingError) throw outcome;
  if (!('tensors' in outcome)) throw new Error('a request for tensors was answered with a table');
  const { name, version, signature } = held.model;
  return writeInferResponse(id, outcome.tensors, asked, {
    name,
    version,
    labelsOf: (output) => held.model.labelsOf(output),
    batched: signature?.batched === true,
  });
}
