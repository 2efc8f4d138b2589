import type { GraphProto, NodeProto } from '../gen/onnx/onnx.js';
import { attributeOf } from './graph.js';
import { ELEMENTWISE_RULES } from './shape-rules/elementwise.js';
import { LAYOUT_RULES } from './shape-rules/layout.js';
import { ShapeConflict, type NodeView, type Shape, type ShapeRule, type Value } from './shape-rules/rule.js';
import { SPATIAL_RULES } from './shape-rules/spatial.js';
import { VALUE_RULES } from './shape-rules/values.js';
import { dimsOf, isInteger, numbersOf } from './tensor.js';

export interface Inference {
  readonly shapeOf: (name: string) => Shape | null;
  readonly valueOf: (name: string) => Value | null;
  /** Nodes that cannot take what they are given. Their outputs count as unknown. */
  readonly conflicts: readonly { readonly node: NodeProto; readonly reason: string }[];
}

const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map([
  ...Object.entries(ELEMENTWISE_RULES),
  ...Object.entries(SPATIAL_RULES),
  ...Object.entries(LAYOUT_RULES),
]);

/**
 * Shapes of all values of a graph for inputs of the given, concrete shapes. Operators without a rule give outputs of
 * unknown shape. To learn which dims follow the batch, infer for two batches and compare.
 */
export function inferShapes(graph: GraphProto, opset: number, inputs: ReadonlyMap<string, Shape>): Inference {
  const shapes = new Map<string, Shape | null>(inputs);
  const values = new Map<string, Value>();
  const conflicts: { node: NodeProto; reason: string }[] = [];
  for (const tensor of graph.initializer) {
    if (shapes.has(tensor.name)) continue;
    shapes.set(tensor.name, dimsOf(tensor));
    const numbers = numbersOf(tensor);
    if (numbers !== null) values.set(tensor.name, { numbers, integer: isInteger(tensor.dataType) });
  }
  for (const node of graph.node) {
    const standard = node.domain === '' || node.domain === 'ai.onnx';
    const rule = standard ? SHAPE_RULES.get(node.opType) : undefined;
    if (rule === undefined) continue;
    const view = viewOf(node, opset, shapes, values);
    try {
      const results = rule(view);
      results.forEach(refuseImpossible);
      node.output.forEach((name, index) => shapes.set(name, results[index] ?? null));
      const value = VALUE_RULES[node.opType]?.(view) ?? null;
      if (value !== null && node.output[0] !== undefined) values.set(node.output[0], value);
    } catch (cause) {
      if (!(cause instanceof ShapeConflict)) throw cause;
      conflicts.push({ node, reason: cause.message });
    }
  }
  return {
    shapeOf: (name) => shapes.get(name) ?? null,
    valueOf: (name) => values.get(name) ?? null,
    conflicts,
  };
}

/** A node of a damaged file can ask for sizes that no tensor has. */
function refuseImpossible(shape: Shape | null): void {
  const impossible = shape?.find((dim) => dim !== null && !(Number.isSafeInteger(dim) && dim >= 0));
  if (impossible !== undefined) throw new ShapeConflict(`it would make a dim of size ${impossible}`);
}

function viewOf(
  node: NodeProto,
  opset: number,
  shapes: ReadonlyMap<string, Shape | null>,
  values: ReadonlyMap<string, Value>,
): NodeView {
  const nameAt = (index: number) => node.input[index] ?? '';
  return {
    node,
    opset,
    shape: (index) => shapes.get(nameAt(index)) ?? null,
    value: (index) => values.get(nameAt(index)) ?? null,
    int: (name, byDefault) => Number(attributeOf(node, name)?.i ?? byDefault),
    ints: (name) => attributeOf(node, name)?.ints.map(Number) ?? null,
    text: (name, byDefault) => {
      const bytes = attributeOf(node, name)?.s;
      return bytes === undefined ? byDefault : new TextDecoder().decode(bytes);
    },
    tensor: (name) => attributeOf(node, name)?.t ?? null,
  };
}
