import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { graphsOf, initializerNames, usedNames, type OnnxModel } from '../graph.js';

/** From this version of the file format on, initializers may be missing from the inputs of the graph. */
const FREE_INITIALIZERS_IR = 4n;

/** Names for new values: none that any graph of the model has. */
export class FreshNames {
  readonly #taken = new Set<string>();

  constructor(model: OnnxModel) {
    for (const graph of graphsOf(model.graph)) {
      initializerNames(graph).forEach((name) => this.#taken.add(name));
      graph.input.forEach(({ name }) => this.#taken.add(name));
      for (const { output, name } of graph.node) [...output, name].forEach((taken) => this.#taken.add(taken));
    }
  }

  get(wish: string): string {
    let name = wish;
    while (this.#taken.has(name)) name += '_';
    this.#taken.add(name);
    return name;
  }
}

/** The model with another graph, in a format that lets it have initializers that are no inputs. */
export function withGraph(model: OnnxModel, graph: GraphProto): OnnxModel {
  const irVersion = model.irVersion < FREE_INITIALIZERS_IR ? FREE_INITIALIZERS_IR : model.irVersion;
  return { ...model, irVersion, graph };
}

export function withInitializers(graph: GraphProto, tensors: readonly TensorProto[]): GraphProto {
  return { ...graph, initializer: [...graph.initializer, ...tensors] };
}

/** Every graph of the model changed, the innermost first. */
export function mapGraphs(graph: GraphProto, change: (graph: GraphProto) => GraphProto): GraphProto {
  const node = graph.node.map((one) =>
    one.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)
      ? {
          ...one,
          attribute: one.attribute.map((attribute) => ({
            ...attribute,
            ...(attribute.g === undefined ? {} : { g: mapGraphs(attribute.g, change) }),
            graphs: attribute.graphs.map((inner) => mapGraphs(inner, change)),
          })),
        }
      : one,
  );
  return change({ ...graph, node });
}

/** The graph with other names for values: where nodes take them, also inside other nodes, and where it makes them itself. */
export function withValuesRenamed(graph: GraphProto, names: ReadonlyMap<string, string>): GraphProto {
  if (names.size === 0) return graph;
  const renamed = (name: string) => names.get(name) ?? name;
  const changed = mapGraphs(graph, (one) => ({
    ...one,
    node: one.node.map((node) => ({ ...node, input: node.input.map(renamed) })),
    output: one.output.map((value) => ({ ...value, name: renamed(value.name) })),
  }));
  return {
    ...changed,
    initializer: changed.initializer.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })),
    node: changed.node.map((node) => ({ ...node, output: node.output.map(renamed) })),
  };
}

/**
 * Leaves out the nodes that nothing needs, also inside other nodes. A node that has inner graphs stays as long as one of
 * its outputs is needed.
 */
export function dropDeadNodes(model: OnnxModel): { model: OnnxModel; dropped: number } {
  let dropped = 0;
  const graph = mapGraphs(model.graph, (one) => {
    const wanted = new Set(one.output.map(({ name }) => name));
    const kept = one.node
      .toReversed()
      .filter((node) => {
        if (node.output.length > 0 && !node.output.some((name) => wanted.has(name))) return false;
        takenBy(node).forEach((name) => wanted.add(name));
        return true;
      })
      .reverse();
    dropped += one.node.length - kept.length;
    return { ...one, node: kept };
  });
  return { model: dropped === 0 ? model : { ...model, graph }, dropped };
}

/** What a node takes, the graphs inside it included. */
export function takenBy(node: NodeProto): Set<string> {
  const inner = node.attribute.flatMap(({ g, graphs }) => [...(g === undefined ? [] : [g]), ...graphs]);
  return new Set([...node.input, ...inner.flatMap((graph) => [...usedNames(graph)])]);
}

/** How many nodes and outputs of the graph take each value. */
export function countUses(graph: GraphProto): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const { node, output } of graphsOf(graph)) {
    for (const { input } of node) input.forEach(count);
    output.forEach(({ name }) => count(name));
  }
  return uses;
}
