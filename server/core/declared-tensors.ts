import { ServingError } from './errors.js';
import type { Executor } from './executor.js';
import type { BatchResult, InferenceRequest, InferenceResult } from './inference.js';
import { datatypeOfConfig, type DeclaredTensor, type TensorsConfig } from './tensors-config.js';
import { shapeText, type Tensor, type TensorSignature, type TensorSpec } from './tensors.js';
import { TensorTranslation } from './tensor-translation.js';

/**
 * A model as its configuration declares its tensors: fewer outputs, narrower or other shapes than its network has. Owns
 * the executor. Throws MODEL_INVALID with everything that does not fit the model file; the executor is closed then.
 */
export async function withDeclaredTensors(executor: Executor, declared: TensorsConfig): Promise<Executor> {
  const { signature } = executor;
  try {
    if (signature === null) throw new Error('tensors are declared of a model that has none');
    return new DeclaredExecutor(executor, declaredSignature(signature, declared), declared);
  } catch (cause) {
    await executor[Symbol.asyncDispose]();
    throw cause;
  }
}

/** What requests see. Inputs stay in the order of the model, outputs come in that of the declaration. */
export function declaredSignature(signature: TensorSignature, declared: TensorsConfig): TensorSignature {
  const { inputs, outputs, batched } = signature;
  const problems = [...sideProblems('input', inputs, declared.input, batched)];
  if (declared.input.length > 0) {
    for (const spec of inputs) {
      if (declared.input.some(({ name }) => name === spec.name)) continue;
      problems.push(`input ${spec.name} of the model file (${describe(spec)}) is not declared`);
    }
  }
  problems.push(...sideProblems('output', outputs, declared.output, batched));
  if (problems.length > 0) {
    throw new ServingError('MODEL_INVALID', `the declared tensors do not fit the model file: ${problems.join('; ')}`);
  }
  const asDeclared = (specs: readonly TensorSpec[], by: DeclaredTensor): TensorSpec => {
    const spec = specs.find(({ name }) => name === by.name)!;
    return { ...spec, shape: batched ? [-1, ...by.dims] : by.dims };
  };
  return {
    batched,
    inputs: inputs.map((spec) => {
      const by = declared.input.find(({ name }) => name === spec.name);
      return by === undefined ? spec : asDeclared(inputs, by);
    }),
    outputs: declared.output.length === 0 ? outputs : declared.output.map((by) => asDeclared(outputs, by)),
  };
}

function sideProblems(
  side: 'input' | 'output',
  specs: readonly TensorSpec[],
  declared: readonly DeclaredTensor[],
  batched: boolean,
): string[] {
  return declared.flatMap(({ name, data_type: type, dims, reshape }) => {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) {
      return [
        `${side} ${name} is not in the model file, whose ${side}s are ${specs.map((known) => known.name).join(', ')}`,
      ];
    }
    const problems: string[] = [];
    const datatype = datatypeOfConfig(type);
    if (datatype !== spec.datatype) problems.push(`${side} ${name} is declared ${datatype}, and is ${spec.datatype}`);
    const own = reshape?.shape ?? dims;
    const whole = batched ? [-1, ...own] : own;
    if (!fits(spec.shape, whole, side)) {
      const why = batched ? `, with the batch that max_batch_size puts in front,` : '';
      problems.push(`${side} ${name} is declared ${shapeText(whole)}${why} and is ${shapeText(spec.shape)}`);
    }
    return problems;
  });
}

/**
 * Whether a declared shape fits that of the model: the same dims, or narrower ones where those are open. Of outputs the
 * file may say more than whoever declared them knew. A scalar may be declared as so many dims of 1.
 */
function fits(model: readonly number[] | null, declared: readonly number[], side: 'input' | 'output'): boolean {
  if (model === null) return true;
  if (model.length === 0) return declared.every((dim) => dim === 1);
  return (
    model.length === declared.length &&
    model.every((dim, axis) => dim === -1 || dim === declared[axis] || (side === 'output' && declared[axis] === -1))
  );
}

function describe({ datatype, shape }: TensorSpec): string {
  return `${datatype} ${shapeText(shape)}`;
}

/** Gives the network the shapes that it has, and requests those that were declared. */
class DeclaredExecutor extends TensorTranslation {
  readonly signature: TensorSignature;
  /** The shape of the network for inputs, the declared one for outputs, by name; left out: as it comes. */
  readonly #inputs: ReadonlyMap<string, Reshape>;
  readonly #outputs: ReadonlyMap<string, Reshape>;
  /** What is asked for where a request asks for all outputs. */
  readonly #all: readonly string[] | null;

  constructor(inner: Executor, signature: TensorSignature, declared: TensorsConfig) {
    super(inner);
    this.signature = signature;
    const lead = signature.batched ? [-1] : [];
    const scalars = new Set(specsOf(inner).flatMap(({ name, shape }) => (shape?.length === 0 ? [name] : [])));
    const networkShape = ({ name, reshape, dims }: DeclaredTensor) =>
      scalars.has(name) ? [] : [...lead, ...(reshape?.shape ?? dims)];
    const reshaped = ({ name, reshape }: DeclaredTensor) => reshape !== undefined || scalars.has(name);
    this.#inputs = new Map(
      declared.input.filter(reshaped).map((tensor) => {
        return [tensor.name, { from: [...lead, ...tensor.dims], to: networkShape(tensor) }];
      }),
    );
    this.#outputs = new Map(
      declared.output.filter(reshaped).map((tensor) => {
        return [tensor.name, { from: networkShape(tensor), to: [...lead, ...tensor.dims] }];
      }),
    );
    this.#all = declared.output.length === 0 ? null : declared.output.map(({ name }) => name);
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    const { results, phases } = await this.inner.execute(batch.map((request) => this.#translated(request)));
    return { phases, results: results.map((result) => this.#answer(result)) };
  }

  #translated(request: InferenceRequest): InferenceRequest {
    const { content, parameters } = request;
    if (content.kind !== 'tensors' || parameters.kind !== 'infer')
      throw new Error('a model of tensors was given others');
    return {
      ...request,
      content: { kind: 'tensors', tensors: reshapeAll(content.tensors, this.#inputs) },
      parameters: { ...parameters, outputs: parameters.outputs ?? this.#all },
    };
  }

  #answer(result: InferenceResult): InferenceResult {
    const { outcome } = result;
    if (outcome instanceof ServingError || !('tensors' in outcome)) return result;
    return { ...result, outcome: { ...outcome, tensors: reshapeAll(outcome.tensors, this.#outputs) } };
  }
}

interface Reshape {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function specsOf({ signature }: Executor): readonly TensorSpec[] {
  return [...(signature?.inputs ?? []), ...(signature?.outputs ?? [])];
}

function reshapeAll(tensors: readonly Tensor[], shapes: ReadonlyMap<string, Reshape>): readonly Tensor[] {
  if (shapes.size === 0) return tensors;
  return tensors.map((tensor) => {
    const reshape = shapes.get(tensor.name);
    return reshape === undefined ? tensor : { ...tensor, shape: reshapeOne(tensor.shape, reshape) };
  });
}

/** The open dims of `to` are those of `from`, in order. */
function reshapeOne(shape: readonly number[], { from, to }: Reshape): number[] {
  const open = from.flatMap((dim, axis) => (dim === -1 ? [shape[axis]!] : []));
  let next = 0;
  return to.map((dim) => (dim === -1 ? open[next++]! : dim));
}
