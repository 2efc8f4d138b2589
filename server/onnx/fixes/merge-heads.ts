import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { activationsOf } from '../activations.js';
import { node, valueInfo } from '../builder.js';
import { opsetOf, type OnnxModel } from '../graph.js';
import { BATCH } from '../rewrite.js';
import { floatTensor, int64Tensor } from '../tensor.js';
import { ANCHORS, ANCHORS_PER_CELL, type RawHead } from '../yolo-heads.js';
import { FreshNames, withGraph } from './edit.js';

/** From this opset on the lengths of a Split are an input. */
const SPLIT_INPUT_OPSET = 13;

/** What is known of raw heads beside their shapes. */
export interface HeadFacts {
  /** Widths and heights of the anchors, in pixels, finest head first. @default those of YOLOv5's P5 or P6 */
  readonly anchors?: readonly number[];
  /** Number of classes; 0 where it is not known. @default 0 */
  readonly classes?: number;
}

/**
 * The anchors to decode raw heads with; null where that is not certain. Maps of many channels may be the heads of another
 * network, unless the caller knows the anchors or the classes fit; heads behind an activation are none of YOLOv5's.
 */
export function anchorsFor(
  heads: readonly RawHead[],
  graph: GraphProto,
  { anchors, classes = 0 }: HeadFacts,
): readonly number[] | null {
  const isActivated = heads.some(({ name }) => activationsOf(graph, name).length > 0);
  const isCertain = heads.every(({ form, values }) => form === 'cells' || values === 5 + classes);
  const used = anchors ?? (isCertain ? usualAnchors(heads) : null);
  return !isActivated && used?.length === heads.length * ANCHORS_PER_CELL * 2 ? used : null;
}

function usualAnchors(heads: readonly RawHead[]): readonly number[] | null {
  const strides = heads.map(({ stride }) => stride).join();
  if (strides === '8,16,32') return ANCHORS.p5;
  return strides === '8,16,32,64' ? ANCHORS.p6 : null;
}

/**
 * Decodes the raw heads of a YOLOv5 (V3 and V7 of the same repositories too) in the graph: one output [N, rows, 5 + C] of
 * cx, cy, w, h in pixels of the input, objectness and classes, instead of one a stride. Rows are in the order head, anchor,
 * row, column. `anchors`: widths and heights in pixels, three a head, finest head first. `heads` are outputs of the model.
 */
export function mergeHeads(
  model: OnnxModel,
  heads: readonly RawHead[],
  anchors: readonly number[],
  changes: string[],
): OnnxModel {
  const graph = new DecodeGraph(new FreshNames(model), opsetOf(model));
  const parts = heads.map((head, index) => {
    const perHead = ANCHORS_PER_CELL * 2;
    return graph.decode(head, anchors.slice(index * perHead, (index + 1) * perHead));
  });
  const output = graph.join(parts);
  const values = heads[0]?.values ?? 0;
  const rows = heads.reduce((sum, head) => sum + ANCHORS_PER_CELL * head.rows * head.columns, 0);
  const merged = new Set(heads.map(({ name }) => name));
  changes.push(
    `outputs ${heads.map(({ name }) => `'${name}'`).join(', ')}: decoded as YOLOv5 and merged into '${output}' ` +
      `[${BATCH}, ${rows}, ${values}], with the anchors ${anchors.join(',')}`,
  );
  return withGraph(model, {
    ...model.graph,
    node: [...model.graph.node, ...graph.nodes],
    initializer: [...model.graph.initializer, ...graph.constants],
    output: [valueInfo(output, [BATCH, rows, values]), ...model.graph.output.filter(({ name }) => !merged.has(name))],
  });
}

class DecodeGraph {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  readonly #names: FreshNames;
  readonly #opset: number;

  constructor(names: FreshNames, opset: number) {
    this.#names = names;
    this.#opset = opset;
  }

  /** xy = (2 sigmoid - 0.5 + cell) * stride, wh = (2 sigmoid)^2 * anchor. */
  decode(head: RawHead, anchors: readonly number[]): string {
    const { name, stride, rows, columns, values } = head;
    const cells = rows * columns;
    const scores = this.#add('Sigmoid', [this.#cellsLast(head)], `${name}/sigmoid`);
    const [xy, wh, rest] = this.#split(scores, name, [2, 2, values - 4]);
    const grid = Float32Array.from({ length: cells * 2 }, (_, index) => {
      const cell = index >> 1;
      return ((index % 2 === 0 ? cell % columns : Math.floor(cell / columns)) - 0.5) * stride;
    });
    const scaled = this.#add('Mul', [xy, this.#floats(`${name}/scale`, [], [2 * stride])], `${name}/scaled`);
    const centres = this.#add('Add', [scaled, this.#floats(`${name}/grid`, [1, 1, cells, 2], grid)], `${name}/centres`);
    const twice = this.#add('Mul', [wh, this.#floats(`${name}/two`, [], [2])], `${name}/twice`);
    const squares = this.#add('Mul', [twice, twice], `${name}/squares`);
    const sides = this.#floats(`${name}/anchors`, [1, ANCHORS_PER_CELL, 1, 2], anchors);
    const sizes = this.#add('Mul', [squares, sides], `${name}/sizes`);
    const joined = this.#add('Concat', [centres, sizes, rest], `${name}/decoded`, { axis: 3 });
    return this.#reshape(joined, `${name}/rows`, [-1, ANCHORS_PER_CELL * cells, values]);
  }

  join(parts: readonly string[]): string {
    return this.#add('Concat', parts, 'output', { axis: 1 });
  }

  /** [N, 3, cells, values] whatever the form. */
  #cellsLast({ name, form, rows, columns, values }: RawHead): string {
    const cells = rows * columns;
    if (form === 'cells') return this.#reshape(name, `${name}/cells`, [-1, ANCHORS_PER_CELL, cells, values]);
    const maps = this.#reshape(name, `${name}/maps`, [-1, ANCHORS_PER_CELL, values, cells]);
    return this.#add('Transpose', [maps], `${name}/cells`, { perm: [0, 1, 3, 2] });
  }

  #split(input: string, name: string, lengths: readonly number[]): [string, string, string] {
    const [xy, wh, rest] = ['xy', 'wh', 'rest'].map((part) => this.#names.get(`${name}/${part}`));
    const outputs: [string, string, string] = [xy ?? '', wh ?? '', rest ?? ''];
    const isInput = this.#opset >= SPLIT_INPUT_OPSET;
    const inputs = isInput ? [input, this.#ints(`${name}/lengths`, lengths)] : [input];
    this.nodes.push(node('Split', inputs, outputs, isInput ? { axis: 3 } : { axis: 3, split: lengths }));
    return outputs;
  }

  #reshape(input: string, output: string, target: readonly number[]): string {
    return this.#add('Reshape', [input, this.#ints(`${output}/target`, target)], output);
  }

  #add(opType: string, inputs: readonly string[], output: string, attributes: Parameters<typeof node>[3] = {}): string {
    const name = this.#names.get(output);
    this.nodes.push(node(opType, inputs, [name], attributes));
    return name;
  }

  #ints(wish: string, values: readonly number[]): string {
    const name = this.#names.get(wish);
    this.constants.push(int64Tensor(name, values));
    return name;
  }

  #floats(wish: string, dims: readonly number[], values: ArrayLike<number>): string {
    const name = this.#names.get(wish);
    this.constants.push(floatTensor(name, dims, Float32Array.from(values)));
    return name;
  }
}
