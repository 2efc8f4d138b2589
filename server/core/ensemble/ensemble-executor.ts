import { ServingError } from '../errors.js';
import type { Executor } from '../executor.js';
import type { BatchResult, InferenceRequest, InferenceResult } from '../inference.js';
import type { TensorSignature } from '../tensors.js';
import { makersOf } from './ensemble-config.js';
import { EnsembleRun, type EnsembleParts } from './ensemble-run.js';

/** Far more requests than any queue lets in. */
const NO_LIMIT = 65_536;

/**
 * Where the requests of an ensemble run: each in flight is one of its instances. It has no threads of its own; the models
 * of its steps do the work, and batch what all requests of all ensembles ask of them.
 */
export class EnsembleExecutor implements Executor {
  readonly instances: number;
  readonly devices: readonly string[] = [];
  onIdle: () => void = () => {};
  readonly layout = null;
  readonly signature: TensorSignature;
  readonly #parts: EnsembleParts;
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: Omit<EnsembleParts, 'makers'>, signature: TensorSignature) {
    this.#parts = { ...parts, makers: makersOf(parts.config) };
    this.signature = signature;
    this.instances = parts.config.max_inflight_requests || NO_LIMIT;
  }

  get idle(): number {
    return this.instances - this.#running.size;
  }

  async execute([request]: readonly InferenceRequest[]): Promise<BatchResult> {
    if (request === undefined) throw new Error('a batch came without a request');
    const { content, parameters } = request;
    if (content.kind !== 'tensors' || parameters.kind !== 'infer')
      throw new Error('an ensemble was given others than tensors');
    const outputs = parameters.outputs ?? this.signature.outputs.map(({ name }) => name);
    const run = new EnsembleRun(this.#parts, request, content.tensors, outputs);
    const running = outcomeOf(run);
    this.#running.add(running);
    try {
      const outcome = await running;
      return { phases: run.phases, results: [{ width: 0, height: 0, outcome, steps: run.steps }] };
    } finally {
      this.#running.delete(running);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}

async function outcomeOf(run: EnsembleRun): Promise<InferenceResult['outcome']> {
  try {
    return { tensors: await run.run() };
  } catch (cause) {
    return ServingError.from(cause);
  }
}
