import type { Clock } from '../clock.js';
import { ServingError } from '../errors.js';
import type { LoadableModels } from '../pipeline/open-pipeline.js';
import { datatypeOfConfig, type DeclaredTensor, type TensorsConfig } from '../tensors-config.js';
import { shapeText, type TensorSignature, type TensorSpec } from '../tensors.js';
import { stepTitle, type EnsembleConfig, type StepConfig } from './ensemble-config.js';
import { EnsembleExecutor } from './ensemble-executor.js';

/** What of an ensemble's configuration matters here. */
export interface EnsembleModelConfig {
  readonly ensemble_scheduling: EnsembleConfig;
  readonly tensors: TensorsConfig;
  readonly max_batch_size: number;
  readonly dynamic_batching: { readonly default_priority_level: number };
}

/**
 * Waits for the models of all steps and checks that their tensors fit together. Throws MODEL_INVALID with everything that
 * is wrong, or the reason of the signal.
 */
export async function openEnsemble(
  name: string,
  config: EnsembleModelConfig,
  models: LoadableModels,
  clock: Clock,
  signal: AbortSignal,
): Promise<EnsembleExecutor> {
  const { step: steps } = config.ensemble_scheduling;
  const waits = steps.map((step) => models.whenReady(step.model_name, versionOf(step), name, signal));
  const ends = await Promise.allSettled(waits);
  signal.throwIfAborted();
  const signature = signatureOf(config);
  const problems: string[] = [];
  const graph = new TensorGraph(signature);
  const loaded = steps.flatMap((step, index) => {
    const end = ends[index]!;
    try {
      if (end.status === 'rejected') throw end.reason;
      using lease = models.acquire(step.model_name, versionOf(step));
      const { model } = lease;
      if (model.signature === null) throw noTensors(step.model_name);
      if (model.config.sequence_batching !== undefined) {
        problems.push(
          `${stepTitle(index, step)}: model ${step.model_name} has sequences (sequence_batching), which an ensemble cannot ` +
            'hand on; ask the model itself',
        );
      }
      const most = model.config.max_batch_size;
      if (config.max_batch_size > 0 && most > 0 && most < config.max_batch_size) {
        problems.push(
          `${stepTitle(index, step)}: its max_batch_size is ${most}, and that of the ensemble ${config.max_batch_size}`,
        );
      }
      return [{ step, title: stepTitle(index, step), signature: model.signature }];
    } catch (cause) {
      problems.push(`${stepTitle(index, step)}: ${ServingError.from(cause).message}`);
      return [];
    }
  });
  // What is made first: what gets it is held against that.
  for (const { step, title, signature: of } of loaded) problems.push(...graph.outputsOf(step, title, of));
  for (const { step, title, signature: of } of loaded) problems.push(...graph.inputsOf(step, title, of));
  if (problems.length > 0) throw new ServingError('MODEL_INVALID', problems.join('; '));
  const defaultPriority = config.dynamic_batching.default_priority_level;
  return new EnsembleExecutor({ config: config.ensemble_scheduling, models, clock, defaultPriority }, signature);
}

function versionOf({ model_version: version }: StepConfig): number | null {
  return version === -1 ? null : version;
}

function noTensors(model: string): ServingError {
  return new ServingError(
    'MODEL_INVALID',
    `model ${model} is a pipeline, which has no tensors; name the models of its stages`,
  );
}

function signatureOf({ tensors, max_batch_size: most }: EnsembleModelConfig): TensorSignature {
  const batched = most > 0;
  const specOf = ({ name, data_type: type, dims }: DeclaredTensor): TensorSpec => ({
    name,
    datatype: datatypeOfConfig(type),
    shape: batched ? [-1, ...dims] : dims,
  });
  return { batched, inputs: tensors.input.map(specOf), outputs: tensors.output.map(specOf) };
}

/** The tensors of an ensemble as far as they are known: those that it declares, then those that its steps make. */
class TensorGraph {
  readonly #known: Map<string, TensorSpec & { readonly whose: string }>;

  constructor({ inputs, outputs }: TensorSignature) {
    const whose = 'the ensemble';
    this.#known = new Map([...inputs, ...outputs].map((spec) => [spec.name, { ...spec, whose }]));
  }

  /** What is wrong with what a step makes. */
  outputsOf({ output_map: map }: StepConfig, title: string, { outputs }: TensorSignature): string[] {
    return Object.entries(map).flatMap(([output, tensor]) => {
      const spec = outputs.find(({ name }) => name === output);
      if (spec === undefined) return [`${title}: it has no output ${output}; its outputs are ${namesOf(outputs)}`];
      const known = this.#known.get(tensor);
      if (known === undefined) this.#known.set(tensor, { ...spec, name: tensor, whose: title });
      return known === undefined ? [] : differences(title, `output ${output}`, spec, known);
    });
  }

  /** What is wrong with what a step gets. */
  inputsOf({ input_map: map }: StepConfig, title: string, { inputs }: TensorSignature): string[] {
    const missing = inputs.filter(({ name }) => !Object.hasOwn(map, name));
    return [
      ...missing.map(({ name }) => `${title}: its input ${name} gets no tensor: name one in input_map`),
      ...Object.entries(map).flatMap(([input, tensor]) => {
        const spec = inputs.find(({ name }) => name === input);
        if (spec === undefined) return [`${title}: it has no input ${input}; its inputs are ${namesOf(inputs)}`];
        const known = this.#known.get(tensor);
        // The step that makes it has a problem of its own.
        return known === undefined ? [] : differences(title, `input ${input}`, spec, known);
      }),
    ];
  }
}

function differences(title: string, what: string, spec: TensorSpec, known: TensorSpec & { whose: string }): string[] {
  const same = spec.datatype === known.datatype && fit(spec.shape, known.shape);
  return same
    ? []
    : [`${title}: ${what} is ${describe(spec)}, and tensor ${known.name} of ${known.whose} is ${describe(known)}`];
}

/** Whether there can be a tensor of both shapes. */
function fit(a: TensorSpec['shape'], b: TensorSpec['shape']): boolean {
  if (a === null || b === null) return true;
  return a.length === b.length && a.every((dim, axis) => dim === -1 || b[axis] === -1 || dim === b[axis]);
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}

function describe({ datatype, shape }: TensorSpec): string {
  return `${datatype} ${shapeText(shape)}`;
}
