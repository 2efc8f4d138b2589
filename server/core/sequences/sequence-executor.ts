import { ServingError } from '../errors.js';
import type { Executor } from '../executor.js';
import type { BatchResult, InferenceRequest, InferenceResult, InferParameters } from '../inference.js';
import type { Tensors } from '../picture.js';
import type { DeclaredTensor } from '../tensors-config.js';
import type { TensorSignature } from '../tensors.js';
import { controlsOf, controlTensors, type Control } from './control-tensors.js';
import type { SequenceConfig } from './sequence-config.js';
import { visibleSignature } from './sequence-signature.js';
import { remember, stateTensors, statesOf, zeros, type State, type StateFiles } from './state-tensors.js';
import { TensorTranslation } from '../tensor-translation.js';

/** What of a model its sequences need. */
export interface SequenceModel {
  readonly config: SequenceConfig;
  /** Outputs that its configuration declares. */
  readonly declared: readonly DeclaredTensor[];
  readonly files: StateFiles;
}

/**
 * A model with sequences, as its requests see it. Owns the executor. Throws MODEL_INVALID with everything that does not fit
 * the model file; the executor is closed then.
 */
export async function withSequences(executor: Executor, model: SequenceModel): Promise<Executor> {
  const { signature } = executor;
  try {
    if (signature === null) throw new Error('sequences are configured for a model without tensors');
    return new SequenceExecutor(executor, signature, model);
  } catch (cause) {
    await executor[Symbol.asyncDispose]();
    throw cause;
  }
}

/** Gives the network what a sequence adds to its requests, and keeps what the next one of each is to be given. */
class SequenceExecutor extends TensorTranslation {
  readonly signature: TensorSignature;
  readonly #controls: readonly Control[];
  readonly #states: readonly State[];
  readonly #visible: readonly string[];

  constructor(inner: Executor, signature: TensorSignature, { config, declared, files }: SequenceModel) {
    super(inner);
    this.#controls = controlsOf(config);
    this.#states = statesOf(config, signature.batched, files);
    this.signature = visibleSignature(signature, this.#controls, this.#states, declared);
    this.#visible = this.signature.outputs.map(({ name }) => name);
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    const rows: InferenceRequest[] = [];
    const places = batch.map((request) => {
      const { row } = request.sequence!;
      while (row !== null && rows.length < row) rows.push(this.#empty(request));
      return rows.push(this.#complete(request)) - 1;
    });
    const { results, phases } = await this.inner.execute(rows);
    const answers = batch.map((request, index) => this.#answer(request, results[places[index]!]!));
    return { phases, results: answers };
  }

  #complete(request: InferenceRequest): InferenceRequest {
    const outputs = this.#outputs(request);
    const states = this.#states.map(({ output }) => output).filter((name) => !outputs.includes(name));
    const step = request.sequence!;
    const controls = controlTensors(this.#controls, step, this.signature.batched);
    const tensors = [...tensorsOf(request), ...controls, ...stateTensors(this.#states, step.memory)];
    return {
      ...request,
      content: { kind: 'tensors', tensors },
      parameters: { kind: 'infer', outputs: [...outputs, ...states] },
    };
  }

  /** A row that no request has: zeros in the shapes of one that is there. */
  #empty(like: InferenceRequest): InferenceRequest {
    const controls = controlTensors(this.#controls, null, this.signature.batched);
    const states = stateTensors(this.#states, like.sequence!.memory).map(zeros);
    return {
      ...like,
      content: { kind: 'tensors', tensors: [...tensorsOf(like).map(zeros), ...controls, ...states] },
      parameters: { kind: 'infer', outputs: [] },
    };
  }

  #outputs({ parameters }: InferenceRequest): readonly string[] {
    return (parameters as InferParameters).outputs ?? this.#visible;
  }

  #answer(request: InferenceRequest, result: InferenceResult): InferenceResult {
    const { outcome } = result;
    if (outcome instanceof ServingError || !('tensors' in outcome)) return result;
    remember(this.#states, request.sequence!.memory, outcome.tensors);
    const tensors = outcome.tensors.slice(0, this.#outputs(request).length);
    return { ...result, outcome: { tensors } };
  }
}

function tensorsOf({ content }: InferenceRequest) {
  return (content as Tensors).tensors;
}
