import type { ValueInfoProto } from '../gen/onnx/onnx.js';
import { declaredShape, fedInputs, type DeclaredDim } from './graph.js';
import { decodeModel } from './model-file.js';
import { hasQuantization } from './quantization.js';
import { DataType, dataTypeName } from './tensor.js';

/** An input or output as a model file declares it. */
export interface ModelTensor {
  readonly name: string;
  /** As ONNX calls it: `FLOAT16`. */
  readonly type: string;
  /** Null: not even the number of dims is told. */
  readonly shape: readonly DeclaredDim[] | null;
}

/** What of a model file, whose tensors have no meaning here, decides how an engine is built from it. */
export interface ModelTensors {
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  /** Whether it says itself what is computed in 8 bits. */
  readonly quantized: boolean;
}

/** Throws MODEL_INVALID where the file is damaged or keeps weights in other files. */
export function modelTensors(bytes: Uint8Array): ModelTensors {
  const model = decodeModel(bytes);
  return {
    inputs: fedInputs(model.graph).map(describe),
    outputs: model.graph.output.map(describe),
    quantized: hasQuantization(model),
  };
}

function describe(value: ValueInfoProto): ModelTensor {
  const type = dataTypeName(value.type?.tensorType?.elemType ?? DataType.UNDEFINED);
  return { name: value.name, type, shape: declaredShape(value) };
}
