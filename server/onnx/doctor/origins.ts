import type { NodeProto } from '../../gen/onnx/onnx.js';
import { constantNumbers } from '../constants.js';
import { attributeOf, fedInputs, graphsOf, type OnnxModel } from '../graph.js';

/** Where a value of shape arithmetic comes from. */
export interface Origins {
  /** The node that reads the shape of a tensor; null where none does. */
  readonly shape: NodeProto | null;
  /** Whether more than the batch, which is dim 0, is read from it. */
  readonly takesSizes: boolean;
}

const NOTHING: Origins = { shape: null, takesSizes: false };

/** Operators that exporters compute shapes with. */
const ARITHMETIC: ReadonlySet<string> = new Set([
  'Abs', 'Add', 'Cast', 'Ceil', 'Concat', 'ConstantOfShape', 'Div', 'Equal', 'Expand', 'Floor', 'Gather', 'Greater',
  'Identity', 'Less', 'Max', 'Min', 'Mod', 'Mul', 'Neg', 'Range', 'ReduceProd', 'Reshape', 'Slice', 'Split', 'Sqrt',
  'Squeeze', 'Sub', 'Unsqueeze', 'Where',
]); // prettier-ignore

/** Follows values of a model back to what they are made of. */
export class OriginTracer {
  readonly #model: OnnxModel;
  readonly #producers: ReadonlyMap<string, NodeProto>;
  readonly #fed: ReadonlySet<string>;
  readonly #origins = new Map<string, Origins>();
  readonly #depends = new Map<string, boolean>();

  constructor(model: OnnxModel) {
    this.#model = model;
    const nodes = [...graphsOf(model.graph)].flatMap(({ node }) => node);
    this.#producers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
    // What a loop carries round is fed to its body.
    const inner = [...graphsOf(model.graph)].slice(1).flatMap(({ input }) => input.map(({ name }) => name));
    this.#fed = new Set([...fedInputs(model.graph).map(({ name }) => name), ...inner]);
  }

  producer(name: string | undefined): NodeProto | null {
    return this.#producers.get(name ?? '') ?? null;
  }

  /** The tensor sizes that a value is computed from; nothing for constants and for what is computed from pixels. */
  originsOf(name: string): Origins {
    const known = this.#origins.get(name);
    if (known !== undefined) return known;
    this.#origins.set(name, NOTHING);
    const found = this.#trace(this.producer(name));
    this.#origins.set(name, found);
    return found;
  }

  #trace(node: NodeProto | null): Origins {
    if (node === null) return NOTHING;
    if (node.opType === 'Size') return { shape: node, takesSizes: true };
    if (node.opType === 'Shape') return { shape: node, takesSizes: !isBatchAlone(readPart(node)) };
    if (!ARITHMETIC.has(node.opType)) return NOTHING;
    const source = this.producer(node.input[0]);
    if (source?.opType === 'Shape' && (node.opType === 'Gather' || node.opType === 'Slice')) {
      return { shape: source, takesSizes: !isBatchAlone(this.#picked(node, readPart(source))) };
    }
    const parts = node.input.map((name) => this.originsOf(name)).filter(({ shape }) => shape !== null);
    const worst = parts.find(({ takesSizes }) => takesSizes) ?? parts[0];
    return worst ?? NOTHING;
  }

  /** Which dims a Gather or Slice takes of those that a Shape gives; null where that is not constant. */
  #picked(node: NodeProto, from: Part): Part {
    const argument = (name: string, index: number) =>
      attributeOf(node, name)?.ints.map(Number) ?? constantNumbers(this.#model.graph, node.input[index]);
    if (from === null) return null;
    if (node.opType === 'Gather') {
      const indices = constantNumbers(this.#model.graph, node.input[1]);
      return indices === null || indices.some((index) => index < 0) ? null : dimsFrom(from, indices);
    }
    const [start, end] = [argument('starts', 1)?.[0], argument('ends', 2)?.[0]];
    if (start === undefined || end === undefined || start < 0 || end < start || end > 64) return null;
    return dimsFrom(
      from,
      Array.from({ length: end - start }, (_, index) => start + index),
    );
  }

  /** Whether a value changes with what is fed, and not only with its shape. */
  dependsOnData(name: string): boolean {
    const known = this.#depends.get(name);
    if (known !== undefined) return known;
    this.#depends.set(name, false);
    const node = this.producer(name);
    const depends =
      node === null
        ? this.#fed.has(name)
        : node.opType !== 'Shape' && node.opType !== 'Size' && node.input.some((input) => this.dependsOnData(input));
    this.#depends.set(name, depends);
    return depends;
  }
}

/** The first of the dims that are read, and how many; null: any. */
type Part = { readonly start: number; readonly end: number | null } | readonly number[] | null;

function readPart(shape: NodeProto): Part {
  const end = attributeOf(shape, 'end')?.i;
  return { start: Number(attributeOf(shape, 'start')?.i ?? 0n), end: end === undefined ? null : Number(end) };
}

function dimsFrom(from: Part, indices: readonly number[]): Part {
  return from !== null && 'start' in from && from.start >= 0 ? indices.map((index) => from.start + index) : null;
}

function isBatchAlone(part: Part): boolean {
  if (part === null) return false;
  return 'start' in part ? part.start === 0 && part.end === 1 : part.every((dim) => dim === 0);
}
