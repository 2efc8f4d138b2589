import type { ValueInfoProto } from '../gen/onnx/onnx.js';
import { castInput, castOutput } from './casts.js';
import { declaredShape, fedInputs, type OnnxModel } from './graph.js';
import { decodeModel, decodeModelParts, encodeModel } from './model-file.js';
import { DataType, dataTypeName } from './tensor.js';

/** A model file whose tensors have no meaning here, as it is served. */
export interface TensorsModel {
  /** As they are, where nothing was changed. */
  readonly bytes: Uint8Array;
  /** What was changed, a line each. */
  readonly changes: readonly string[];
  /** Inputs and outputs of which not even the number of dims is declared. */
  readonly open: ReadonlySet<string>;
  /** Inputs and outputs that are BFLOAT16 in the file and FLOAT in `bytes`. */
  readonly halves: ReadonlySet<string>;
}

/**
 * Makes a model servable where BFLOAT16 cannot be handed over: its inputs and outputs of that type become FLOAT, with a
 * Cast behind or in front of each, which changes no value. Throws MODEL_INVALID where the file is damaged, or would have
 * to be changed and keeps weights in other files.
 */
export function rewriteForTensors(bytes: Uint8Array): TensorsModel {
  const file = decodeModelParts(bytes);
  const { graph } = file;
  const values = [...fedInputs(graph), ...graph.output];
  const named = (has: (value: ValueInfoProto) => boolean) => new Set(values.filter(has).map(({ name }) => name));
  const open = named((value) => declaredShape(value) === null);
  const halves = named(isHalf);
  if (halves.size === 0) return { bytes, changes: [], open, halves };
  const changes: string[] = [];
  const changed = (kind: string, name: string) =>
    changes.push(`${kind} '${name}': ${dataTypeName(DataType.BFLOAT16)} -> ${dataTypeName(DataType.FLOAT)}`);
  let model: OnnxModel = decodeModel(bytes);
  for (const { name } of fedInputs(graph).filter(isHalf)) {
    model = { ...model, graph: castInput(model.graph, name, DataType.FLOAT, DataType.BFLOAT16) };
    changed('input', name);
  }
  for (const { name } of graph.output.filter(isHalf)) {
    model = { ...model, graph: castOutput(model.graph, name, DataType.FLOAT) };
    changed('output', name);
  }
  return { bytes: encodeModel(model), changes, open, halves };
}

function isHalf({ type }: ValueInfoProto): boolean {
  return type?.tensorType?.elemType === DataType.BFLOAT16;
}
