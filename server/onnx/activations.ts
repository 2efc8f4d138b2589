import type { GraphProto, NodeProto } from '../gen/onnx/onnx.js';

const ACTIVATIONS: ReadonlySet<string> = new Set(['Sigmoid', 'Softmax']);
/** Operators behind an activation that leave its numbers as they are. */
const LAYOUT: ReadonlySet<string> = new Set([
  'Concat', 'Flatten', 'Identity', 'Reshape', 'Slice', 'Split', 'Squeeze', 'Transpose', 'Unsqueeze',
]); // prettier-ignore

/** The activations that a value comes out of, by way of operators that only move numbers about. */
export function activationsOf(graph: GraphProto, name: string): NodeProto[] {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  return trace(name, producers, new Set());
}

function trace(name: string, producers: ReadonlyMap<string, NodeProto>, seen: Set<string>): NodeProto[] {
  const node = producers.get(name);
  if (node === undefined || seen.has(name)) return [];
  seen.add(name);
  if (ACTIVATIONS.has(node.opType)) return [node];
  return LAYOUT.has(node.opType) ? node.input.flatMap((input) => trace(input, producers, seen)) : [];
}
