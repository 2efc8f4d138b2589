import type { AttributeProto, GraphProto, NodeProto, ValueInfoProto } from '../gen/onnx/onnx.js';
import { node } from './builder.js';
import { usedNames } from './graph.js';
import type { DataType } from './tensor.js';

/** The graph with another type for one of its outputs, by a Cast behind what computes it. The output keeps its name. */
export function castOutput(graph: GraphProto, name: string, to: DataType): GraphProto {
  const taken = namesIn(graph);
  const own = freeName(taken, `${name}.own`);
  const cast = { ...node('Cast', [own], [name], { to }), name: freeName(taken, `${name}/Cast`) };
  const renamed = rename(graph, name, own);
  return {
    ...renamed,
    node: [...renamed.node, cast],
    output: graph.output.map((value) => (value.name === name ? withType(value, to) : value)),
    // Nothing is said of the value inside, and what was said of the output is no longer true.
    valueInfo: graph.valueInfo.filter((value) => value.name !== name),
  };
}

/** The same for an input: what takes it is given what a Cast to the type `inside` makes of it. */
export function castInput(graph: GraphProto, name: string, to: DataType, inside: DataType): GraphProto {
  const taken = namesIn(graph);
  const own = freeName(taken, `${name}.own`);
  const cast = { ...node('Cast', [name], [own], { to: inside }), name: freeName(taken, `${name}/Cast`) };
  const renamed = rename(graph, name, own);
  return {
    ...renamed,
    node: [cast, ...renamed.node],
    input: graph.input.map((value) => (value.name === name ? withType(value, to) : value)),
    valueInfo: graph.valueInfo.filter((value) => value.name !== name),
  };
}

function withType(value: ValueInfoProto, elemType: DataType): ValueInfoProto {
  const tensorType = value.type!.tensorType!;
  return { ...value, type: { ...value.type!, tensorType: { ...tensorType, elemType } } };
}

/** The names of values and nodes. */
function namesIn(graph: GraphProto): Set<string> {
  const names = usedNames(graph);
  for (const { name, output } of graph.node) [name, ...output].forEach((one) => names.add(one));
  return names;
}

function freeName(taken: ReadonlySet<string>, wish: string): string {
  return taken.has(wish) ? freeName(taken, `${wish}_`) : wish;
}

/** The graph with another name for one of its values, wherever it is made or taken; its list of outputs stays. */
function rename(graph: GraphProto, from: string, to: string): GraphProto {
  return {
    ...graph,
    node: graph.node.map((one) => renameIn(one, from, to)),
    initializer: graph.initializer.map((tensor) => (tensor.name === from ? { ...tensor, name: to } : tensor)),
  };
}

function renameIn(one: NodeProto, from: string, to: string): NodeProto {
  const other = (name: string) => (name === from ? to : name);
  // An inner graph may give out a value of the outer one as it is.
  const inner = (graph: GraphProto): GraphProto => ({
    ...rename(graph, from, to),
    output: graph.output.map((value) => ({ ...value, name: other(value.name) })),
  });
  const attribute = one.attribute.map((held): AttributeProto => ({
    ...held,
    g: held.g && inner(held.g),
    graphs: held.graphs.map(inner),
  }));
  return { ...one, input: one.input.map(other), output: one.output.map(other), attribute };
}
