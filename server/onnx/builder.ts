import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  GraphProto,
  ModelProto,
  NodeProto,
  type TensorProto,
  type TensorShapeProto_Dimension,
  ValueInfoProto,
} from '../gen/onnx/onnx.js';
import type { DeclaredDim, OnnxModel } from './graph.js';
import { DataType } from './tensor.js';

/** An attribute's value: whole numbers become INT or INTS, text STRING; a float must say so: `{ float: 1 }`. */
export type AttributeValue = number | readonly number[] | string | TensorProto | { readonly float: number };

/** A node of the standard operators, named after its first output. */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return NodeProto.fromPartial({
    opType,
    name: `${outputs[0] ?? ''}/${opType}`,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'string') {
    return AttributeProto.fromPartial({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  }
  if (typeof value === 'number') {
    return AttributeProto.fromPartial({ name, type: AttributeType.INT, i: BigInt(value) });
  }
  if ('float' in value) return AttributeProto.fromPartial({ name, type: AttributeType.FLOAT, f: value.float });
  if ('dims' in value) return AttributeProto.fromPartial({ name, type: AttributeType.TENSOR, t: value });
  return AttributeProto.fromPartial({ name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

/** A graph input or output. `shape` null: nothing is declared, not even the rank. */
export function valueInfo(
  name: string,
  shape: readonly DeclaredDim[] | null,
  elemType: number = DataType.FLOAT,
): ValueInfoProto {
  return ValueInfoProto.fromPartial({
    name,
    type: { tensorType: shape === null ? { elemType } : { elemType, shape: { dim: shape.map(dimension) } } },
  });
}

/** A dim as the format keeps it: a size, a symbol or neither. */
export function dimension(dim: DeclaredDim): TensorShapeProto_Dimension {
  if (dim === null) return { value: undefined, denotation: '' };
  return typeof dim === 'number'
    ? { value: { $case: 'dimValue', dimValue: BigInt(dim) }, denotation: '' }
    : { value: { $case: 'dimParam', dimParam: dim }, denotation: '' };
}

export interface GraphParts {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers?: readonly TensorProto[];
  /** Version of the standard operators. @default 17 */
  readonly opset?: number;
  /** @default 8 */
  readonly irVersion?: number;
}

/** A model of the standard operators. Nothing is checked: tests build broken models with it too. */
export function makeModel(parts: GraphParts): OnnxModel {
  const model = ModelProto.fromPartial({
    irVersion: BigInt(parts.irVersion ?? 8),
    producerName: 'sluice',
    opsetImport: [{ domain: '', version: BigInt(parts.opset ?? 17) }],
  });
  // The messages are put in as they are: fromPartial would copy every weight.
  const graph = GraphProto.fromPartial({ name: parts.name });
  graph.node = [...parts.nodes];
  graph.input = [...parts.inputs];
  graph.output = [...parts.outputs];
  graph.initializer = [...(parts.initializers ?? [])];
  return { ...model, graph };
}
