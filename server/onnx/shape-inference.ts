import type { GraphProto, NodeProto } from '../gen/onnx/onnx.js';
import { attributeOf } from './graph.js';
import { ELEMENTWISE_RULES } from './shape-rules/elementwise.js';
import { LAYOUT_RULES } from './shape-rules/layout.js';
import { ShapeConflict, type NodeView, type Shape, type ShapeRule, type Value } from './shape-rules/rule.js';
import { SPATIAL_RULES } from './shape-rules/spatial.js';
import { VALUE_RULES } from './shape-rules/values.js';
import { dimsOf, MOST_ELEMENTS, numbersOf } from './tensor.js';

export interface Inference {
  readonly shapeOf: (name: string) => Shape | null;
  readonly valueOf: (name: string) => Value | null;
  /** Nodes that cannot take what they are given. Their outputs count as unknown. */
  readonly conflicts: readonly { readonly node: NodeProto; readonly reason: string }[];
  /** The same for the graphs inside nodes (If, Loop, Scan), which see the values around them. */
  readonly inner: ReadonlyMap<GraphProto, Inference>;
}

const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map([
  ...Object.entries(ELEMENTWISE_RULES),
  ...Object.entries(SPATIAL_RULES),
  ...Object.entries(LAYOUT_RULES),
]);

/**
 * Shapes of all values of a graph for inputs of the given, concrete shapes. Operators without a rule give outputs of
 * unknown shape. To learn which dims follow the batch, infer for two batches and compare. `mostElements`: values of more
 * are not computed.
 */
export function inferShapes(
  graph: GraphProto,
  opset: number,
  inputs: ReadonlyMap<string, Shape>,
  mostElements = MOST_ELEMENTS,
): Inference {
  const scope = new Scope(opset, mostElements, new Map(inputs), new Map());
  scope.walk(graph);
  return scope.inference();
}

/** The values of one graph, and those around it. */
class Scope {
  readonly #opset: number;
  readonly #mostElements: number;
  readonly #shapes: Map<string, Shape | null>;
  readonly #values: Map<string, Value>;
  readonly #conflicts: { node: NodeProto; reason: string }[] = [];
  readonly #inner = new Map<GraphProto, Inference>();

  constructor(opset: number, mostElements: number, shapes: Map<string, Shape | null>, values: Map<string, Value>) {
    this.#opset = opset;
    this.#mostElements = mostElements;
    this.#shapes = shapes;
    this.#values = values;
  }

  inference(): Inference {
    return {
      shapeOf: (name) => this.#shapes.get(name) ?? null,
      valueOf: (name) => this.#values.get(name) ?? null,
      conflicts: this.#conflicts,
      inner: this.#inner,
    };
  }

  walk(graph: GraphProto): void {
    for (const tensor of graph.initializer) {
      if (this.#shapes.has(tensor.name)) continue;
      const dims = dimsOf(tensor);
      this.#shapes.set(tensor.name, dims);
      const numbers = numbersOf(tensor, this.#mostElements);
      if (numbers !== null) this.#values.set(tensor.name, { numbers, dims, type: tensor.dataType });
    }
    for (const node of graph.node) {
      try {
        if (isStandard(node)) this.#visit(node);
      } catch (cause) {
        if (!(cause instanceof ShapeConflict)) throw cause;
        this.#conflicts.push({ node, reason: cause.message });
      }
    }
  }

  #visit(node: NodeProto): void {
    if (node.attribute.some(({ g }) => g !== undefined)) return this.#enter(node);
    const view = viewOf(node, this.#opset, this.#shapes, this.#values);
    const results = SHAPE_RULES.get(node.opType)?.(view);
    if (results === undefined) return;
    results.forEach(refuseImpossible);
    node.output.forEach((name, index) => this.#shapes.set(name, results[index] ?? null));
    const [dims] = results;
    if (dims == null || !isKnown(dims) || countOf(dims) > this.#mostElements) return;
    const elements = VALUE_RULES[node.opType]?.(view, dims) ?? null;
    if (elements === null || elements.numbers.length !== countOf(dims) || node.output[0] === undefined) return;
    this.#values.set(node.output[0], { ...elements, dims });
  }

  /** If, Loop and Scan. What a loop carries round is not known, nor what comes out of it. */
  #enter(node: NodeProto): void {
    const branch = node.opType === 'If' ? branchOf(node, this.#values.get(node.input[0] ?? '') ?? null) : null;
    const bodies = node.attribute.flatMap(({ g }) => (g === undefined ? [] : [g]));
    const results = bodies.map((body) => this.#within(body));
    bodies.forEach((body, index) => {
      const isTaken = node.opType !== 'If' || body === branch;
      // What is wrong in a branch that may not be taken may be the reason for the If.
      if (isTaken) this.#conflicts.push(...(results[index]?.conflicts ?? []));
    });
    if (node.opType !== 'If') return;
    node.output.forEach((name, index) => {
      const from = (body: GraphProto) => body.output[index]?.name ?? '';
      const taken = branch === null ? undefined : results[bodies.indexOf(branch)];
      const shapes = bodies.map((body, at) => results[at]?.shapeOf(from(body)) ?? null);
      const agree = shapes.every((shape) => JSON.stringify(shape) === JSON.stringify(shapes[0]));
      this.#shapes.set(
        name,
        branch === null ? (agree ? (shapes[0] ?? null) : null) : (taken?.shapeOf(from(branch)) ?? null),
      );
      const value = branch === null ? null : (taken?.valueOf(from(branch)) ?? null);
      if (value !== null) this.#values.set(name, value);
    });
  }

  #within(body: GraphProto): Inference {
    const shapes = new Map(this.#shapes);
    const values = new Map(this.#values);
    const scope = new Scope(this.#opset, this.#mostElements, shapes, values);
    scope.walk(body);
    const result = scope.inference();
    this.#inner.set(body, result);
    for (const [graph, inference] of result.inner) this.#inner.set(graph, inference);
    return result;
  }
}

/** The branch that an If takes, null where that is not known before it runs. */
export function branchOf(node: NodeProto, condition: Value | null): GraphProto | null {
  const [holds] = condition?.numbers ?? [];
  if (holds === undefined) return null;
  return attributeOf(node, holds === 0 ? 'else_branch' : 'then_branch')?.g ?? null;
}

function isStandard({ domain }: NodeProto): boolean {
  return domain === '' || domain === 'ai.onnx';
}

function isKnown(shape: Shape): shape is readonly number[] {
  return !shape.includes(null);
}

function countOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
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
