import type { AttributeProto, GraphProto, NodeProto } from '../gen/onnx/onnx.js';
import { node } from './builder.js';
import { usedNames, type OnnxModel } from './graph.js';
import { DataType, dataTypeName } from './tensor.js';

const WHOLE: ReadonlySet<number> = new Set([DataType.INT32, DataType.INT64]);

/**
 * Makes float32 of outputs of whole numbers, counts and classes, by a Cast behind what computes them, so that whoever
 * runs the model gives out one type. The outputs keep their names. Whole numbers beyond 2^24 lose their low bits. The
 * model is left as it is; `changes` gets a line for each output.
 */
export function floatOutputs(model: OnnxModel, changes: string[]): OnnxModel {
  let { graph } = model;
  for (const { name, type } of graph.output) {
    const from = type?.tensorType?.elemType ?? DataType.UNDEFINED;
    if (!WHOLE.has(from)) continue;
    graph = castOutput(graph, name);
    changes.push(`output '${name}': ${dataTypeName(from)} -> FLOAT`);
  }
  return graph === model.graph ? model : { ...model, graph };
}

function castOutput(graph: GraphProto, name: string): GraphProto {
  const taken = namesIn(graph);
  const whole = freeName(taken, `${name}.whole`);
  const cast = { ...node('Cast', [whole], [name], { to: DataType.FLOAT }), name: freeName(taken, `${name}/Cast`) };
  const renamed = rename(graph, name, whole);
  return {
    ...renamed,
    node: [...renamed.node, cast],
    output: graph.output.map((value) => {
      if (value.name !== name) return value;
      const tensorType = value.type!.tensorType!;
      return { ...value, type: { ...value.type!, tensorType: { ...tensorType, elemType: DataType.FLOAT } } };
    }),
    // Nothing is said of the value inside, and what was said of the output is no longer true.
    valueInfo: graph.valueInfo.filter((value) => value.name !== name),
  };
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
