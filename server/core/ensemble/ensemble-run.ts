import type { Clock } from '../clock.js';
import { ServingError } from '../errors.js';
import type { InferenceRequest, PhaseDurations, StepResult } from '../inference.js';
import type { StageModels } from '../pipeline/frame-run.js';
import { checkInputs, checkOutputs } from '../tensor-request.js';
import type { Tensor } from '../tensors.js';
import { stepTitle, type EnsembleConfig, type StepConfig } from './ensemble-config.js';
import { SharedTensors } from './shared-tensors.js';

const PHASES = ['decode', 'preprocess', 'infer', 'postprocess'] as const;

/** What runs look up, the same for all requests of an ensemble. */
export interface EnsembleParts {
  readonly config: EnsembleConfig;
  /** The step that makes each tensor. */
  readonly makers: ReadonlyMap<string, StepConfig>;
  readonly models: StageModels;
  readonly clock: Clock;
  /** The priority of requests that name none: each model gives them its own default. */
  readonly defaultPriority: number;
}

/** One request on its way through the steps of an ensemble. Each runs as soon as the tensors that it gets are there. */
export class EnsembleRun {
  readonly #parts: EnsembleParts;
  readonly #request: InferenceRequest;
  readonly #tensors: SharedTensors<StepConfig>;
  /** The tensors of the request, and those that each step that is needed makes, by name. */
  readonly #given: ReadonlyMap<string, Tensor>;
  readonly #made = new Map<StepConfig, Promise<ReadonlyMap<string, Tensor>>>();
  readonly #outputs: readonly string[];
  readonly #phases = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
  readonly #results: StepResult[] = [];
  /** Aborted when the request is not wanted any more, or a step has failed: the others need not go on. */
  readonly #stop = new AbortController();

  /** `outputs` are those to answer with, in that order. */
  constructor(parts: EnsembleParts, request: InferenceRequest, inputs: readonly Tensor[], outputs: readonly string[]) {
    this.#parts = parts;
    this.#request = request;
    this.#outputs = outputs;
    this.#given = new Map(inputs.map((tensor) => [tensor.name, tensor]));
    this.#tensors = new SharedTensors(this.#usersOf(this.#neededSteps()), outputs);
    this.#tensors.add(inputs, false);
  }

  /** Microseconds that the steps spent in each phase, together. */
  get phases(): PhaseDurations {
    return this.#phases;
  }

  /** Steps that were queued, as they came to an end. */
  get steps(): readonly StepResult[] {
    return this.#results;
  }

  /** Throws the ServingError of the first step that fails, or the reason of the request's signal. */
  async run(): Promise<Tensor[]> {
    const { signal } = this.#request;
    const abandon = (): void => this.#stop.abort(ServingError.from(signal?.reason));
    if (signal?.aborted === true) abandon();
    signal?.addEventListener('abort', abandon);
    const outputs = this.#outputs.map((name) => this.#tensor(name));
    try {
      return await Promise.all(outputs);
    } finally {
      // Nothing of a request is left running when it is answered.
      await Promise.allSettled([...outputs, ...this.#made.values()]);
      signal?.removeEventListener('abort', abandon);
    }
  }

  /** Those whose tensors are asked for, and those that they wait for. */
  #neededSteps(): ReadonlySet<StepConfig> {
    const needed = new Set<StepConfig>();
    const names = [...this.#outputs];
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const step = this.#parts.makers.get(name);
      if (step === undefined || needed.has(step)) continue;
      needed.add(step);
      names.push(...Object.values(step.input_map));
    }
    return needed;
  }

  #usersOf(steps: ReadonlySet<StepConfig>): ReadonlyMap<string, readonly StepConfig[]> {
    const users = new Map<string, StepConfig[]>();
    for (const step of steps) {
      for (const tensor of Object.values(step.input_map)) users.set(tensor, [...(users.get(tensor) ?? []), step]);
    }
    return users;
  }

  async #tensor(name: string): Promise<Tensor> {
    const given = this.#given.get(name);
    if (given !== undefined) return given;
    const step = this.#parts.makers.get(name)!;
    let made = this.#made.get(step);
    if (made === undefined) {
      made = this.#runStep(step);
      this.#made.set(step, made);
    }
    return (await made).get(name)!;
  }

  /** What the step makes, under the names of the ensemble. */
  async #runStep(step: StepConfig): Promise<ReadonlyMap<string, Tensor>> {
    const wanted = Object.entries(step.input_map);
    const inputs = await Promise.all(wanted.map(([, tensor]) => this.#tensor(tensor)));
    try {
      const answered = await this.#ask(
        step,
        this.#tensors.take(inputs, step).map((tensor, index) => ({ ...tensor, name: wanted[index]![0] })),
      );
      const made = answered.map((tensor) => ({ ...tensor, name: step.output_map[tensor.name]! }));
      this.#tensors.add(made, true);
      return new Map(made.map((tensor) => [tensor.name, tensor]));
    } catch (cause) {
      const failure = this.#named(step, ServingError.from(cause));
      this.#stop.abort(failure);
      throw failure;
    }
  }

  async #ask(step: StepConfig, inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
    const stop = this.#stop.signal;
    stop.throwIfAborted();
    const { models, clock, defaultPriority } = this.#parts;
    using lease = models.acquire(step.model_name, step.model_version === -1 ? null : step.model_version);
    const { model } = lease;
    // A model may have been reloaded as another one since the ensemble was checked.
    const { tensors, rows, batchKey } = checkInputs(model, inputs);
    const outputs = checkOutputs(model, Object.keys(step.output_map));
    const { deadlineAt, priority } = this.#request;
    const batching = model.config.dynamic_batching;
    const arrivedAt = clock.now();
    const timeout = batching.default_queue_policy.default_timeout_microseconds;
    const deadline = Math.min(deadlineAt ?? Infinity, timeout === 0 ? Infinity : arrivedAt + timeout);
    const ticket = lease.enqueue({
      content: { kind: 'tensors', tensors },
      parameters: { kind: 'infer', outputs },
      rows,
      batchKey,
      arrivedAt,
      deadlineAt: deadline === Infinity ? null : deadline,
      priority:
        priority === defaultPriority
          ? batching.default_priority_level
          : // Of a model with fewer levels, the last.
            Math.min(priority, batching.priority_levels),
      signal: stop,
    });
    const withdraw = (): void => void ticket.withdraw(ServingError.from(stop.reason));
    stop.addEventListener('abort', withdraw);
    const { outcome, timings, steps } = await ticket.response;
    stop.removeEventListener('abort', withdraw);
    for (const phase of PHASES) this.#phases[phase] += timings[phase];
    const error = outcome instanceof ServingError ? outcome : null;
    const { name, version } = model;
    this.#results.push({ name: this.#title(step), model: name, version, timings, startedAt: arrivedAt, error, steps });
    if (outcome instanceof ServingError) throw outcome;
    if (!('tensors' in outcome)) throw new Error('a model was asked for tensors and has answered with others');
    return outcome.tensors;
  }

  /** The failure with the step in its message; one that another step, or the client, has caused stays as it is. */
  #named(step: StepConfig, failure: ServingError): ServingError {
    if (this.#stop.signal.aborted) return ServingError.from(this.#stop.signal.reason);
    return new ServingError(failure.code, `${this.#title(step)}: ${failure.message}`, { cause: failure });
  }

  #title(step: StepConfig): string {
    return stepTitle(this.#parts.config.step.indexOf(step), step);
  }
}
