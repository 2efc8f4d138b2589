import { ServingError } from '../core/errors.js';
import type { ValueInfoProto } from '../gen/onnx/onnx.js';
import { dimension } from './builder.js';
import type { InputSize } from './comparison.js';
import { declaredShape, type DeclaredDim, type OnnxModel } from './graph.js';
import { imageInput } from './image-input.js';
import { decodeModel, encodeModel } from './model-file.js';
import { rewriteModel } from './rewrite.js';

/** Which sides of the input may vary. */
export interface OpenSides {
  readonly height: boolean;
  readonly width: boolean;
}

/** What an engine is built from. */
export interface BuildableModel {
  readonly bytes: Uint8Array;
  /** Name of its one input. */
  readonly input: string;
  /** Whether it says by Q/DQ nodes what is computed in 8 bits. */
  readonly quantized: boolean;
}

/**
 * A model file as `rewriteForServing` makes it, with the sides of the input left open that `open` names. Throws
 * MODEL_INVALID, as that does and where the file fixes such a side.
 */
export function rewriteForBuilding(bytes: Uint8Array, size: InputSize, open: OpenSides): BuildableModel {
  const file = decodeModel(bytes);
  const { name: input, shape } = imageInput(file);
  refuseFixed('height', open, shape[2]);
  refuseFixed('width', open, shape[3]);
  const { model, changes } = rewriteModel(file, size);
  const quantized = model.graph.node.some(({ opType }) => opType === 'QuantizeLinear' || opType === 'DequantizeLinear');
  if (open.height || open.width) return { bytes: encodeModel(openSides(model, input, open)), input, quantized };
  return { bytes: changes.length === 0 ? bytes : encodeModel(model), input, quantized };
}

function refuseFixed(side: keyof OpenSides, open: OpenSides, declared: DeclaredDim): void {
  if (!open[side] || typeof declared !== 'number') return;
  throw new ServingError(
    'MODEL_INVALID',
    `tensorrt.profiles gives a range for ${side}, and the model file fixes it at ${declared}: remove the range, or ` +
      'export the model with dynamic_axes on it.',
  );
}

/** What lies behind the input depends on its sides in ways that only the engine builder works out. */
function openSides(model: OnnxModel, input: string, open: OpenSides): OnnxModel {
  const { graph } = model;
  const inputs = graph.input.map((value) =>
    value.name === input
      ? withDims(value, (dim, axis) =>
          axis === 2 && open.height ? 'height' : axis === 3 && open.width ? 'width' : dim,
        )
      : value,
  );
  const outputs = graph.output.map((value) => withDims(value, (dim, axis) => (axis === 0 ? dim : null)));
  return { ...model, graph: { ...graph, input: inputs, output: outputs, valueInfo: [] } };
}

function withDims(value: ValueInfoProto, map: (dim: DeclaredDim, axis: number) => DeclaredDim): ValueInfoProto {
  const tensorType = value.type?.tensorType;
  const shape = declaredShape(value);
  if (value.type === undefined || tensorType === undefined || shape === null) return value;
  return {
    ...value,
    type: { ...value.type, tensorType: { ...tensorType, shape: { dim: shape.map(map).map(dimension) } } },
  };
}
