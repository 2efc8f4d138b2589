import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { node as makeNode } from '../builder.js';
import { constantNumbers } from '../constants.js';
import { attributeOf, type OnnxModel } from '../graph.js';
import { DataType, floatTensor, int64Tensor } from '../tensor.js';
import { countUses, dropDeadNodes, mapGraphs, withGraph, withInitializers, withValuesRenamed } from './edit.js';
import { foldBatchNorms } from './fold-batch-norm.js';

/** Removes what does nothing once the network is trained, and what two nodes do that cancel each other out. */
export function simplify(model: OnnxModel, changes: string[]): OnnxModel {
  let result = withGraph(model, mapGraphs(model.graph, constantsAsInitializers));
  const constants = countNodes(model.graph, 'Constant') - countNodes(result.graph, 'Constant');
  if (constants > 0) changes.push(`${constants} constants are initializers instead of nodes`);
  const before = result.graph.node.length;
  result = { ...result, graph: withoutPasses(withoutTransposePairs(withoutDoubleCasts(result.graph))) };
  const removed = before - result.graph.node.length;
  if (removed > 0) changes.push(`${removed} nodes that do nothing, or undo one another, are gone`);
  result = foldBatchNorms(result, changes);
  const { model: cleaned, dropped } = dropDeadNodes(result);
  if (dropped > 0) changes.push(`dropped ${dropped} nodes whose results nothing takes`);
  return cleaned;
}

function countNodes(graph: GraphProto, type: string): number {
  let count = 0;
  mapGraphs(graph, (one) => {
    count += one.node.filter(({ opType }) => opType === type).length;
    return one;
  });
  return count;
}

function constantsAsInitializers(graph: GraphProto): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const tensors = new Map<NodeProto, TensorProto>();
  for (const node of graph.node) {
    const tensor = node.opType === 'Constant' && !outputs.has(node.output[0] ?? '') ? tensorOfConstant(node) : null;
    if (tensor !== null) tensors.set(node, tensor);
  }
  if (tensors.size === 0) return graph;
  return withInitializers({ ...graph, node: graph.node.filter((node) => !tensors.has(node)) }, [...tensors.values()]);
}

function tensorOfConstant(node: NodeProto): TensorProto | null {
  const name = node.output[0] ?? '';
  const [attribute] = node.attribute;
  switch (attribute?.name) {
    case 'value':
      return attribute.t === undefined ? null : { ...attribute.t, name };
    case 'value_int':
      return int64Tensor(name, [Number(attribute.i)], []);
    case 'value_ints':
      return int64Tensor(name, attribute.ints.map(Number));
    case 'value_float':
      return floatTensor(name, [], Float32Array.of(attribute.f));
    case 'value_floats':
      return floatTensor(name, [attribute.floats.length], Float32Array.from(attribute.floats));
    default:
      return null;
  }
}

/** Whether a node hands on what it is given: an Identity, or a Dropout that is not training. */
export function isPass(node: NodeProto, graph: GraphProto): boolean {
  if (node.opType === 'Identity') return true;
  return (
    node.opType === 'Dropout' && !isTraining(node, graph) && node.output.filter((name) => name !== '').length === 1
  );
}

/** A Dropout, or a BatchNormalization, that behaves as in training. */
export function isTraining(node: NodeProto, graph: GraphProto): boolean {
  if (node.opType === 'BatchNormalization') {
    return attributeOf(node, 'training_mode')?.i === 1n || node.output.length > 1;
  }
  const mode = node.input[2] ?? '';
  return node.opType === 'Dropout' && mode !== '' && constantNumbers(graph, mode)?.[0] !== 0;
}

/** Leaves out what hands on its input. Both ends of such a node may be ends of the graph, which keep their names. */
function withoutPasses(graph: GraphProto): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const sources = new Map<string, string>();
  const gone = new Set<NodeProto>();
  for (const node of graph.node) {
    const [[from = ''], [to = '']] = [node.input, node.output];
    if (!isPass(node, graph) || outputs.has(to)) continue;
    sources.set(to, sources.get(from) ?? from);
    gone.add(node);
  }
  const middle = withValuesRenamed({ ...graph, node: graph.node.filter((node) => !gone.has(node)) }, sources);
  const last = middle.node.find((node) => {
    const [[from = ''], [to = '']] = [node.input, node.output];
    const isMade = middle.node.some(({ output }) => output.includes(from));
    return isPass(node, middle) && outputs.has(to) && !outputs.has(from) && isMade;
  });
  if (last === undefined) return middle;
  const rest = { ...middle, node: middle.node.filter((node) => node !== last) };
  return withoutPasses(withValuesRenamed(rest, new Map([[last.input[0] ?? '', last.output[0] ?? '']])));
}

export interface Pair {
  readonly first: NodeProto;
  readonly second: NodeProto;
}

/** Nodes of a kind that follow one another. */
export function pairsOf(graph: GraphProto, opType: string): Pair[] {
  const makers = new Map(graph.node.filter((node) => node.opType === opType).map((node) => [node.output[0], node]));
  return [...makers.values()].flatMap((second) => {
    const first = makers.get(second.input[0]);
    return first === undefined ? [] : [{ first, second }];
  });
}

/** Two orders of axes, one after the other, as one; null where a node does not say its order. */
export function combinedOrder({ first, second }: Pair): number[] | null {
  const [inner, outer] = [first, second].map((node) => attributeOf(node, 'perm')?.ints.map(Number));
  return inner === undefined || outer === undefined ? null : outer.map((axis) => inner[axis] ?? axis);
}

function withoutTransposePairs(graph: GraphProto): GraphProto {
  const [pair] = pairsOf(graph, 'Transpose').filter((one) => combinedOrder(one) !== null);
  if (pair === undefined) return graph;
  const order = combinedOrder(pair) ?? [];
  const input = [pair.first.input[0] ?? ''];
  const isNothing = order.every((axis, index) => axis === index);
  const made = isNothing
    ? makeNode('Identity', input, pair.second.output)
    : makeNode('Transpose', input, pair.second.output, { perm: order });
  return withoutTransposePairs(replacePair(graph, pair, { ...made, name: pair.second.name }));
}

/** A Cast by way of the widest floats: what it gives back is what a Cast straight away gives. */
export function isNeedless({ first }: Pair): boolean {
  return Number(attributeOf(first, 'to')?.i ?? 0n) === DataType.DOUBLE;
}

function withoutDoubleCasts(graph: GraphProto): GraphProto {
  const [pair] = pairsOf(graph, 'Cast').filter(isNeedless);
  if (pair === undefined) return graph;
  return withoutDoubleCasts(replacePair(graph, pair, { ...pair.second, input: [...pair.first.input] }));
}

/** Puts one node for the second of a pair; the first goes where nothing else takes it. */
function replacePair(graph: GraphProto, { first, second }: Pair, made: NodeProto): GraphProto {
  const isShared = (countUses(graph).get(first.output[0] ?? '') ?? 0) > 1;
  const node = graph.node.flatMap((one) => (one === second ? [made] : one === first && !isShared ? [] : [one]));
  return { ...graph, node };
}
