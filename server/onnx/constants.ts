import type { GraphProto, TensorProto } from '../gen/onnx/onnx.js';
import { attributeOf, graphsOf } from './graph.js';
import { numbersOf } from './tensor.js';

/** The tensor of an initializer or of a Constant node, wherever it stands; null for a value that is computed or fed. */
export function constantTensor(graph: GraphProto, name: string | undefined): TensorProto | null {
  if (name === undefined || name === '') return null;
  for (const { node, initializer } of graphsOf(graph)) {
    const producer = node.find(({ opType, output }) => opType === 'Constant' && output[0] === name);
    if (producer !== undefined) return attributeOf(producer, 'value')?.t ?? null;
    const tensor = initializer.find((one) => one.name === name);
    if (tensor !== undefined) return tensor;
  }
  return null;
}

/** Its numbers, where it is a small one. */
export function constantNumbers(graph: GraphProto, name: string | undefined): number[] | null {
  const tensor = constantTensor(graph, name);
  return tensor === null ? null : numbersOf(tensor);
}

/** Every initializer and every tensor of a Constant node, by the name that nodes take it by. */
export function constantsByName(graph: GraphProto): ReadonlyMap<string, TensorProto> {
  const found = new Map<string, TensorProto>();
  for (const { node, initializer } of graphsOf(graph)) {
    for (const tensor of initializer) found.set(tensor.name, tensor);
    for (const one of node) {
      const tensor = one.opType === 'Constant' ? attributeOf(one, 'value')?.t : undefined;
      if (tensor !== undefined) found.set(one.output[0] ?? '', tensor);
    }
  }
  return found;
}
