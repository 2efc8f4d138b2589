import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { compareSizes, type Comparison, type ServedSize } from '../comparison.js';
import { attributeOf, initializerNames, nodeLabel, type OnnxModel } from '../graph.js';
import { imageInput } from '../image-input.js';
import { inputOf, targetFor } from '../reshape.js';
import { byScales } from '../resize.js';
import { fromEnd } from '../shape-rules/layout.js';
import type { Value } from '../shape-rules/rule.js';
import { int64Tensor, tensorOf } from '../tensor.js';
import { dropDeadNodes, FreshNames, takenBy, withGraph, withInitializers } from './edit.js';

/** Grids of a detector are computed too: 80x80 cells of two numbers for each of three anchors. */
const MOST_ELEMENTS = 65_536;

/**
 * Replaces what is computed from shapes and constants by constants, for one size of the picture: what is the same at every
 * batch as it is, targets of Reshape with the batch open, sizes of Resize by scales. What has to be computed from the
 * batch stays. The size of the model must be fixed already, its batch open.
 */
export function foldShapes(model: OnnxModel, size: ServedSize, changes: string[]): OnnxModel {
  const targets = foldTargets(model, compareSizes(model, imageInput(model), size, MOST_ELEMENTS), changes);
  const comparison = compareSizes(targets, imageInput(targets), size, MOST_ELEMENTS);
  let folded = 0;
  const change = (graph: GraphProto, original: GraphProto): GraphProto => {
    const result = foldGraph(graph, original, comparison);
    folded += result.folded;
    return result.graph;
  };
  const graph = mapWithOriginal(targets.graph, change);
  const { model: result, dropped } = dropDeadNodes(folded === 0 ? targets : withGraph(targets, graph));
  if (folded + dropped > 0) changes.push(`${folded + dropped} nodes that compute constants are constants now`);
  return result;
}

/** As mapGraphs, with the graph as it was, which is what an inference knows. */
function mapWithOriginal(
  graph: GraphProto,
  change: (graph: GraphProto, original: GraphProto) => GraphProto,
): GraphProto {
  const node = graph.node.map((one) => ({
    ...one,
    attribute: one.attribute.map((attribute) =>
      attribute.g === undefined ? attribute : { ...attribute, g: mapWithOriginal(attribute.g, change) },
    ),
  }));
  return change({ ...graph, node }, graph);
}

/** Nodes whose outputs are the same at every batch go; those that are needed outside them become initializers. */
function foldGraph(
  graph: GraphProto,
  original: GraphProto,
  comparison: Comparison,
): { graph: GraphProto; folded: number } {
  const isFolded = (node: NodeProto) =>
    node.opType !== 'Constant' &&
    node.output.length === 1 &&
    !graph.output.some(({ name }) => name === node.output[0]) &&
    constantAt(node.output[0] ?? '', original, comparison) !== null;
  const kept = graph.node.filter((node) => !isFolded(node));
  if (kept.length === graph.node.length) return { graph, folded: 0 };
  const needed = new Set(kept.flatMap((node) => [...takenBy(node)]));
  const made = new Set(graph.node.filter(isFolded).flatMap(({ output }) => output));
  const constants = [...made].filter((name) => needed.has(name)).map((name) => constantAt(name, original, comparison));
  return {
    graph: withInitializers(
      { ...graph, node: kept },
      constants.filter((tensor) => tensor !== null),
    ),
    folded: graph.node.length - kept.length,
  };
}

/** A value that is the same at both batches and that the format can hold; null for any other. */
export function constantAt(name: string, graph: GraphProto, { graph: main, served }: Comparison): TensorProto | null {
  const [first, ...others] = served.map((probe) => (graph === main ? probe : probe.inner.get(graph))?.valueOf(name));
  if (first == null || !others.every((other) => isSame(first, other ?? null))) return null;
  return tensorOf(name, first.numbers, first.dims, first.type);
}

function isSame(left: Value, right: Value | null): boolean {
  return (
    right?.type === left.type &&
    right.numbers.length === left.numbers.length &&
    left.numbers.every((number, index) => Object.is(number, right.numbers[index])) &&
    left.dims.every((dim, axis) => dim === right.dims[axis])
  );
}

/** Arguments of the main graph's nodes that hold the batch and are computed. */
function foldTargets(model: OnnxModel, comparison: Comparison, changes: string[]): OnnxModel {
  const names = new FreshNames(model);
  const constants: TensorProto[] = [];
  const node = model.graph.node.map((one): NodeProto => {
    const argument = computedArgument(one, model.graph);
    if (argument === null || constantAt(argument, model.graph, comparison) !== null) return one;
    const replacement = FOLDERS[one.opType]?.(one, argument, comparison) ?? null;
    if (replacement === null) return one;
    const constant = replacement.constant(names.get(`${one.output[0] ?? ''}/${replacement.role}`));
    constants.push(constant);
    changes.push(`${nodeLabel(one)}: computed ${replacement.change}`);
    return { ...one, input: replacement.inputs(constant.name) };
  });
  return constants.length === 0 ? model : withGraph(model, withInitializers({ ...model.graph, node }, constants));
}

/** The place of the argument that says how large the result is. */
const ARGUMENTS: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, Resize: 3 };

function computedArgument(node: NodeProto, graph: GraphProto): string | null {
  const name = node.input[ARGUMENTS[node.opType] ?? Infinity] ?? '';
  return name === '' || initializerNames(graph).has(name) ? null : name;
}

interface Folded {
  readonly change: string;
  readonly role: string;
  constant(name: string): TensorProto;
  inputs(name: string): string[];
}

const FOLDERS: Readonly<Record<string, (node: NodeProto, argument: string, comparison: Comparison) => Folded | null>> =
  {
    Reshape: (node, argument, { served }) => {
      const [data = ''] = node.input;
      const inputs = served.map((probe) => inputOf(probe, data));
      const results = served.map(({ shapeOf }) => shapeOf(node.output[0] ?? ''));
      const known = inputs.filter((input) => input !== null);
      if (known.length < served.length || !results.every(isComplete)) return null;
      const keepsZero = Number(attributeOf(node, 'allowzero')?.i ?? 0n) === 1;
      const from = served[0].valueOf(argument)?.numbers ?? null;
      const target = targetFor({ results: results as number[][] }, known, from, keepsZero);
      return target === null ? null : withVector(node, 1, 'target', target);
    },
    // Where the input has the size already, a 1 asks for nothing more.
    Expand: (node, argument, { served }) => {
      const wanted = served.map(({ valueOf }) => valueOf(argument)?.numbers ?? null);
      const given = served.map(({ shapeOf }) => shapeOf(node.input[0] ?? ''));
      const [first] = wanted;
      if (first == null || wanted.includes(null) || given.includes(null)) return null;
      const shape = first.map((size, axis) => {
        if (wanted.every((sizes) => sizes?.[axis] === size)) return size;
        const has = (dims: (typeof given)[number]) => dims?.[fromEnd(axis - first.length, dims.length)];
        return given.every((dims, probe) => has(dims) === wanted[probe]?.[axis]) ? 1 : null;
      });
      return isComplete(shape) ? withVector(node, 1, 'shape', shape as number[]) : null;
    },
    Resize: (node, argument, { served }) => {
      const [before, was] = [served[0].shapeOf(node.input[0] ?? ''), served[0].valueOf(argument)?.numbers];
      if (before === null || was === undefined || was[0] !== served[0].batch) return null;
      const verdict = byScales(node, before, was, 'sizes');
      return verdict.kind === 'replace' ? verdict : null;
    },
  };

function isComplete(shape: readonly (number | null)[] | null): shape is readonly number[] {
  return shape !== null && !shape.includes(null);
}

function withVector(node: NodeProto, index: number, role: string, numbers: readonly number[]): Folded {
  return {
    change: `${role} -> [${numbers.join(', ')}]`,
    role,
    constant: (name) => int64Tensor(name, numbers),
    inputs: (name) => node.input.map((input, at) => (at === index ? name : input)),
  };
}
