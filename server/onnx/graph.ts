import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  TensorShapeProto_Dimension,
  ValueInfoProto,
} from '../gen/onnx/onnx.js';

/** A model that has been checked by `decodeModel`: its graph is there. */
export interface OnnxModel extends ModelProto {
  graph: GraphProto;
}

/** How messages name a node: `Reshape 'view_3'`, or by its first output where it has no name of its own. */
export function nodeLabel(node: NodeProto): string {
  return node.name === '' ? `${node.opType} (output '${node.output[0] ?? ''}')` : `${node.opType} '${node.name}'`;
}

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** The version of the standard operators that the model uses; 0 where it imports none. */
export function opsetOf(model: ModelProto): number {
  const standard = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  return Number(standard?.version ?? 0n);
}

export function initializerNames(graph: GraphProto): Set<string> {
  const names = graph.initializer.map(({ name }) => name);
  return new Set(names.concat(graph.sparseInitializer.map(({ values }) => values?.name ?? '')));
}

/** The inputs that a caller must feed: those without an initializer. */
export function fedInputs(graph: GraphProto): ValueInfoProto[] {
  const initializers = initializerNames(graph);
  return graph.input.filter(({ name }) => !initializers.has(name));
}

/** The names of the inputs that a caller must feed, in the order of the file. */
export function inputNames({ graph }: OnnxModel): string[] {
  return fedInputs(graph).map(({ name }) => name);
}

/** A size, a symbol (`batch`), or null where nothing is said. */
export type DeclaredDim = number | string | null;

/** The declared shape of an input or output, or null where not even the rank is declared. */
export function declaredShape(value: ValueInfoProto): DeclaredDim[] | null {
  return value.type?.tensorType?.shape?.dim.map(declaredDim) ?? null;
}

function declaredDim({ value }: TensorShapeProto_Dimension): DeclaredDim {
  if (value?.$case === 'dimValue') return Number(value.dimValue);
  return value?.$case === 'dimParam' && value.dimParam !== '' ? value.dimParam : null;
}

/** `[batch, 3, ?, 640]`. */
export function shapeText(shape: readonly DeclaredDim[] | null): string {
  return shape === null ? '(unknown)' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

/** The graph and, depth first, the graphs inside its nodes' attributes (If, Loop, Scan). */
export function* graphsOf(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.node) {
    for (const { g, graphs } of node.attribute) {
      if (g !== undefined) yield* graphsOf(g);
      for (const inner of graphs) yield* graphsOf(inner);
    }
  }
}

/** Every name that a node takes or that the graph gives out, inner graphs included. */
export function usedNames(graph: GraphProto): Set<string> {
  const used = new Set<string>();
  for (const { node, output } of graphsOf(graph)) {
    for (const { input } of node) input.forEach((name) => used.add(name));
    output.forEach(({ name }) => used.add(name));
  }
  return used;
}

/** Every constant tensor of the graph and its inner graphs: initializers and tensors in attributes. */
export function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  for (const { initializer, sparseInitializer, node } of graphsOf(graph)) {
    yield* initializer;
    for (const { values, indices } of sparseInitializer) {
      if (values !== undefined) yield values;
      if (indices !== undefined) yield indices;
    }
    for (const { attribute } of node) {
      for (const { t, tensors } of attribute) {
        if (t !== undefined) yield t;
        yield* tensors;
      }
    }
  }
}
