import { ServingError } from '../core/errors.js';
import type { ValueInfoProto } from '../gen/onnx/onnx.js';
import { declaredShape, fedInputs, opsetOf, shapeText, type DeclaredDim, type OnnxModel } from './graph.js';
import { decodeModel, encodeModel } from './model-file.js';
import { hasQuantization } from './quantization.js';
import { dropUnusedWeights, dropWeightInputs, OLDEST_OPSET } from './rewrite.js';
import { DataType, dataTypeName } from './tensor.js';

/** How a model that reads texts is served. */
export interface ServedTexts {
  /** Most rows of a batch. */
  readonly batch: number;
  /** Most tokens of a row. */
  readonly length: number;
  /** Whether every row has that many. */
  readonly fixed: boolean;
}

/** An input of a model that reads texts: one number a token, [batch, length]. */
export interface TextInput {
  readonly name: string;
  readonly type: 'int32' | 'int64';
}

const TYPES = new Map<number, TextInput['type']>([
  [DataType.INT32, 'int32'],
  [DataType.INT64, 'int64'],
]);

/** A model file that reads texts, as it is served, and what has to be known of it. */
export interface TextModel {
  readonly bytes: Uint8Array;
  /** What was changed, a line each. */
  readonly changes: readonly string[];
  readonly inputs: readonly TextInput[];
  /** Whether it says itself what is computed in 8 bits. */
  readonly quantized: boolean;
}

/**
 * Makes a model that reads texts servable: weights no longer among the inputs, none that nothing uses. Its sizes stay as
 * they are: the batch has to be open, and the length too unless every row has the length of the file. Throws
 * MODEL_INVALID with the shape that was expected and the one that was found.
 */
export function rewriteForTexts(bytes: Uint8Array, served: ServedTexts): TextModel {
  const file = decodeModel(bytes);
  if (opsetOf(file) < OLDEST_OPSET) {
    throw invalid(
      `The model uses opset ${opsetOf(file)}; ONNX Runtime needs at least ${OLDEST_OPSET}: export it anew.`,
    );
  }
  const inputs = textInputs(file);
  for (const { graph, name } of inputs) requireServed(name, declaredShape(graph) ?? [], served);
  const changes: string[] = [];
  const model = dropUnusedWeights(dropWeightInputs(file, changes), changes);
  return {
    bytes: changes.length === 0 ? bytes : encodeModel(model),
    changes,
    inputs: inputs.map(({ name, type }) => ({ name, type })),
    quantized: hasQuantization(file),
  };
}

/** Whether the inputs are whole numbers, as those of models that read texts, and no picture is among them. */
export function readsTexts({ graph }: OnnxModel): boolean {
  const inputs = fedInputs(graph);
  return inputs.length > 0 && inputs.every((input) => typeOf(input) !== undefined);
}

/** The inputs. Throws MODEL_INVALID where there is none, or one that holds no tokens. */
export function textInputs({ graph }: OnnxModel): (TextInput & { readonly graph: ValueInfoProto })[] {
  const inputs = fedInputs(graph);
  if (inputs.length === 0)
    throw invalid('The model has no input; a task that reads texts needs the ids of the tokens.');
  return inputs.map((input) => {
    const type = typeOf(input);
    if (type === undefined) {
      const found = dataTypeName(input.type?.tensorType?.elemType ?? DataType.UNDEFINED);
      throw invalid(`Input '${input.name}' is ${found}; a task that reads texts feeds INT64 or INT32.`);
    }
    const shape = declaredShape(input);
    if (shape?.length === 2) return { name: input.name, type, graph: input };
    throw invalid(`Input '${input.name}' must be [batch, length] and is ${shapeText(shape)}; export it so.`);
  });
}

function typeOf(input: ValueInfoProto): TextInput['type'] | undefined {
  return TYPES.get(input.type?.tensorType?.elemType ?? DataType.UNDEFINED);
}

function requireServed(
  name: string,
  shape: readonly DeclaredDim[],
  { batch: most, length: wanted, fixed }: ServedTexts,
) {
  const [batch, length] = shape;
  if (typeof batch === 'number' && !(batch === 1 && most === 1)) {
    throw invalid(
      `Input '${name}' has a fixed batch of ${batch}: ${shapeText(shape)}. Export it with dynamic_axes on dim 0` +
        `${batch === 1 ? ', or set max_batch_size to 1' : ''}.`,
    );
  }
  if (typeof length !== 'number' || (length === wanted && fixed)) return;
  throw invalid(
    `Input '${name}' has a fixed length of ${length}: ${shapeText(shape)}. Set tokenizer.max_length to ${length} (it is ` +
      `${wanted}) and tokenizer.padding to max_length, or export it with dynamic_axes on dim 1.`,
  );
}

function invalid(message: string): ServingError {
  return new ServingError('MODEL_INVALID', message);
}
