import { earliestDeadline } from '../deadlines.js';
import { ServingError } from '../errors.js';
import type { InferenceRequest } from '../inference.js';
import type { Model } from '../model.js';
import { sequenceStep, type AskedSequence } from '../sequences/sequence-step.js';
import { checkInputs, checkOutputs } from '../tensor-request.js';
import type { Tensor } from '../tensors.js';

/** What a client asks of a model's tensors. */
export interface AskedTensors {
  /** In any order. Their data belongs to the executor once a batch is cut. */
  readonly inputs: readonly Tensor[];
  /** Names; none: all outputs. */
  readonly outputs: readonly string[];
  /** 0: the model's default. */
  readonly priority: number;
  /** Microseconds that it may take from its arrival; null: no limit of its own. */
  readonly timeout: number | null;
  /** Null: it belongs to none. Models without sequences do not look at it. */
  readonly sequence: AskedSequence | null;
}

/** When and from where it came. */
export interface Arrival extends Pick<InferenceRequest, 'arrivedAt' | 'signal'> {
  /** Microseconds that are left of the call around it; null: no limit. */
  readonly callTimeout: number | null;
}

/** The request for a model. Throws INVALID_REQUEST that names the tensor, or TASK_NOT_SUPPORTED. */
export function inferRequest(model: Model, asked: AskedTensors, arrival: Arrival): InferenceRequest {
  const { inputs, outputs, priority, timeout, sequence } = asked;
  const { tensors, rows, batchKey } = checkInputs(model, inputs);
  const { dynamic_batching: batching, sequence_batching: sequences } = model.config;
  if (timeout !== null && !(timeout > 0)) {
    throw new ServingError('INVALID_REQUEST', 'timeout must be over 0 microseconds; leave it out for none');
  }
  const limits = [timeout, batching.default_queue_policy.default_timeout_microseconds || null, arrival.callTimeout];
  return {
    content: { kind: 'tensors', tensors },
    parameters: { kind: 'infer', outputs: checkOutputs(model, outputs) },
    rows,
    batchKey,
    arrivedAt: arrival.arrivedAt,
    deadlineAt: earliestDeadline(arrival.arrivedAt, limits),
    priority: priority === 0 ? batching.default_priority_level : priority,
    signal: arrival.signal,
    ...(sequences === undefined ? {} : { sequence: sequenceStep(model.name, sequences, sequence, rows) }),
  };
}
