import { quoted, ServingError } from './errors.js';
import { invalid, requireData, shapeText, type Tensor, type TensorSignature, type TensorSpec } from './tensors.js';

/** What of a model decides which tensors it takes. */
export interface TensorModel {
  /** For messages. */
  readonly name: string;
  /** Null: it is a pipeline, or its tensors are not known. */
  readonly signature: TensorSignature | null;
  /** As completed from the model file: 0 where there is no batch dimension. */
  readonly config: { readonly max_batch_size: number };
}

/** Tensors that a model can run on. */
export interface CheckedTensors {
  /** In the order of the model. */
  readonly tensors: readonly Tensor[];
  /** Rows of the batch dimension; 1 where there is none. */
  readonly rows: number;
  /** Names, types and shapes without the batch: equal for tensors that can share a batch, and for no pictures. */
  readonly batchKey: string;
}

/** The tensors of a model. Throws TASK_NOT_SUPPORTED where it has none. */
function requireSignature({ name, signature }: TensorModel): TensorSignature {
  if (signature !== null) return signature;
  throw new ServingError(
    'TASK_NOT_SUPPORTED',
    `model ${name} answers with no tensors: it is a pipeline, whose stages have models of their own`,
  );
}

/** Checks inputs against a model. Throws TASK_NOT_SUPPORTED, or INVALID_REQUEST that names the tensor. */
export function checkInputs(model: TensorModel, given: readonly Tensor[]): CheckedTensors {
  const signature = requireSignature(model);
  const { inputs } = signature;
  for (const [index, { name }] of given.entries()) {
    if (!inputs.some((spec) => spec.name === name)) {
      const known = inputs.map((spec) => spec.name).join(', ');
      throw invalid(name, `is no input of model ${model.name}; its inputs are ${known}`);
    }
    if (given.findIndex((other) => other.name === name) !== index) throw invalid(name, 'is there twice');
  }
  const tensors = inputs.map((spec) => {
    const tensor = given.find(({ name }) => name === spec.name);
    if (tensor === undefined) throw invalid(spec.name, `is missing: model ${model.name} needs it as ${describe(spec)}`);
    requireFit(tensor, spec);
    requireData(tensor);
    return tensor;
  });
  const rows = signature.batched ? requireRows(tensors, model.config.max_batch_size) : 1;
  return { tensors, rows, batchKey: keyOf(tensors, signature.batched) };
}

/** The outputs that a request names, each once; null: all. Throws INVALID_REQUEST. */
export function checkOutputs(model: TensorModel, names: readonly string[]): readonly string[] | null {
  const { outputs } = requireSignature(model);
  for (const [index, name] of names.entries()) {
    if (!outputs.some((spec) => spec.name === name)) {
      const known = outputs.map((spec) => spec.name).join(', ');
      throw invalid(name, `is no output of model ${model.name}; its outputs are ${known}`);
    }
    if (names.indexOf(name) !== index) throw invalid(name, 'is asked for twice');
  }
  return names.length === 0 ? null : names;
}

function requireFit({ name, datatype, shape }: Tensor, spec: TensorSpec): void {
  if (datatype !== spec.datatype) throw invalid(name, `is ${datatype}; the model takes ${describe(spec)}`);
  const wanted = spec.shape;
  if (wanted === null) return;
  const fits = wanted.length === shape.length && wanted.every((dim, axis) => dim === -1 || dim === shape[axis]);
  if (!fits) throw invalid(name, `has the shape ${shapeText(shape)}; the model takes ${describe(spec)}`);
}

function requireRows(tensors: readonly Tensor[], most: number): number {
  const [first] = tensors;
  const rows = first?.shape[0] ?? 1;
  for (const { name, shape } of tensors) {
    if (shape[0] === rows) continue;
    throw invalid(name, `has ${shape[0]} rows, and ${quoted(first!.name)} has ${rows}: the first dim is the batch`);
  }
  if (rows >= 1 && rows <= most) return rows;
  throw invalid(first!.name, `has ${rows} rows; the model takes 1 to ${most}, its max_batch_size`);
}

function keyOf(tensors: readonly Tensor[], batched: boolean): string {
  let key = 'tensors';
  for (const { name, datatype, shape } of tensors)
    key += `|${name}:${datatype}:${(batched ? shape.slice(1) : shape).join()}`;
  return key;
}

function describe({ datatype, shape }: TensorSpec): string {
  return `${datatype} ${shapeText(shape)}`;
}
