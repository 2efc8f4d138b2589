import type { GraphProto, NodeProto } from '../gen/onnx/onnx.js';
import type { Comparison, Probe } from './comparison.js';
import { attributeOf } from './graph.js';
import { alignedRuns, mergedSizes, readingsOf, type Reading, type ReshapeInput } from './reshape-readings.js';
import { resolveReshape } from './shape-rules/layout.js';
import { ShapeConflict, type Shape } from './shape-rules/rule.js';
import { int64Tensor } from './tensor.js';
import { FOLLOWS, refuse, type Replacement, type Verdict } from './verdict.js';

/** No network has more; a damaged file may. */
const MOST_DIMS = 32;

/**
 * Judges a Reshape by what it meant at the export (see readingsOf): literal batches and sizes of the picture in its
 * target are put right where that says what they become. Where it may have meant several things the rest of the graph
 * has to choose; where none, it is refused.
 */
export function judgeReshape(node: NodeProto, { graph, exported, served }: Comparison): Verdict {
  const [data = '', shape = ''] = node.input;
  const exportedTarget = exported.valueOf(shape)?.numbers;
  const targets: readonly (readonly number[] | undefined)[] = served.map(({ valueOf }) => valueOf(shape)?.numbers);
  if (exportedTarget === undefined || !isComplete(targets)) return FOLLOWS;
  const before = inputOf(exported, data);
  const [first, second, ...others] = served.map((probe) => inputOf(probe, data));
  if (before === null || first == null || second == null || !isComplete(others)) {
    return judgeBlind(targets[0] ?? exportedTarget, exported, served, data);
  }
  const inputs = [first, second, ...others] as const;
  // Neither the batch nor the size of the picture goes through a reshape of constants.
  if (inputs.every(({ dims }) => same(dims, before.dims))) return FOLLOWS;

  const keepsZero = Number(attributeOf(node, 'allowzero')?.i ?? 0n) === 1;
  const exportedResult = resolved(before.dims, exportedTarget, keepsZero);
  if (typeof exportedResult === 'string') return refuse(exportedResult);
  const blame = () => mismatch(before, exportedResult, first, targets[0] ?? exportedTarget);
  const made = inputs.map(({ dims }, index) => resolved(dims, targets[index] ?? exportedTarget, keepsZero));
  const readings = readingsOf(before, exportedResult, inputs, mergedBefore(node, graph, exported));
  const asIs = readings.find(({ results }) => results.every((dims, probe) => same(dims, made[probe] ?? null)));
  const isLiteral = targets.every((target) => same(target, exportedTarget));
  // What is computed or left open decides, unless the literals beside it look like the rows or columns of a picture.
  const kept = asIs ?? (isLiteral ? readings.find((reading) => keepsLiterals(reading, exportedTarget)) : undefined);
  const isDecided = kept !== undefined && (!isLiteral || !readings.some(({ isGrid }) => isGrid));
  const candidates = isDecided ? [kept] : readings;
  if (asIs !== undefined && candidates.length === 1) return FOLLOWS;

  const to: readonly (readonly number[] | null)[] = candidates.map((reading) => {
    return reading === asIs ? exportedTarget : targetFor(reading, inputs, isLiteral ? exportedTarget : null, keepsZero);
  });
  if (!isComplete(to)) return refuse(`${blame()}, and more than one size would have to stay open in it`);
  const shown = targetText(targets[0] ?? exportedTarget, first);
  const options = to.map((target) => retarget(data, shown, target));
  const [only, ...more] = options;
  if (only === undefined) return refuse(blame());
  return more.length === 0 ? only : { kind: 'choose', options };
}

function isComplete<T>(values: readonly T[]): values is readonly NonNullable<T>[] {
  return values.every((value) => value !== null && value !== undefined);
}

/** The shape of a value at a probe; null where a rule is missing. */
export function inputOf({ shapeOf, batch, width, height }: Probe, name: string): ReshapeInput | null {
  const shape = shapeOf(name);
  const isSound = shape !== null && shape.length <= MOST_DIMS && isComplete(shape);
  return isSound ? { batch, width, height, dims: shape } : null;
}

/** Sizes of dims that the nodes in front of `node` have made of several. */
function mergedBefore(node: NodeProto, graph: GraphProto, exported: Probe): ReadonlySet<number> {
  const inFront = graph.node.slice(0, graph.node.indexOf(node));
  const merging = inFront.filter(({ opType }) => opType === 'Reshape' || opType === 'Flatten');
  const sizes = merging.flatMap(({ input, output }) => {
    const [from, to] = [inputOf(exported, input[0] ?? ''), inputOf(exported, output[0] ?? '')];
    return from === null || to === null ? [] : mergedSizes(from.dims, to.dims);
  });
  return new Set(sizes);
}

function same(left: Shape | null | string, right: Shape | null | string): boolean {
  if (left === null || right === null || typeof left === 'string' || typeof right === 'string') return false;
  return left.length === right.length && left.every((dim, axis) => dim === right[axis]);
}

/** Without the shape of the input only a target whose dim 0 is open can be trusted, and only at the exported size. */
function judgeBlind(target: readonly number[], exported: Probe, served: readonly Probe[], data: string): Verdict {
  const open = target[0] === 0 || target[0] === -1;
  const stays = served.every(({ shapeOf }) => same(shapeOf(data), exported.shapeOf(data)));
  if (open && stays) return FOLLOWS;
  const text = `[${target.join(', ')}]`;
  return refuse(`the shape of its input is not known, so its target ${text} cannot be checked`);
}

/** Whether a reading leaves every literal as it is, but for one in front, which holds the batch. */
function keepsLiterals({ results, isGrid }: Reading, target: readonly number[]): boolean {
  const literals = [...target.entries()].filter(([axis, dim]) => axis > 0 && dim > 0);
  return !isGrid && results.every((dims) => literals.every(([axis, dim]) => dims[axis] === dim));
}

/**
 * The target that gives a reading at every probe, as much like `from` as can be: its -1 stays, sizes that are the same
 * everywhere are literal, others are taken from the input or left open. Null where two would have to be open.
 */
export function targetFor(
  { results }: Pick<Reading, 'results'>,
  inputs: readonly ReshapeInput[],
  from: readonly number[] | null,
  keepsZero: boolean,
): number[] | null {
  const dims = (results[0] ?? []).map((literal, axis) => {
    const sizes = results.map((result) => result[axis]);
    const isCopy = !keepsZero && inputs.every((input, probe) => input.dims[axis] === sizes[probe]);
    const isFixed = sizes.every((size) => size === literal);
    const closed = isFixed && !(isCopy && from?.[axis] === 0) ? literal : isCopy ? 0 : -1;
    return { closed, isOpen: from?.[axis] === -1 || closed === -1 };
  });
  const open = dims.filter(({ isOpen }) => isOpen).length;
  const target = dims.map(({ closed, isOpen }) => (isOpen && open === 1 ? -1 : closed));
  return target.filter((dim) => dim === -1).length > 1 ? null : target;
}

function retarget(data: string, from: string, to: readonly number[]): Replacement {
  return {
    kind: 'replace',
    change: `target ${from} -> [${to.join(', ')}]`,
    role: 'target',
    constant: (name) => int64Tensor(name, to),
    inputs: (name) => [data, name],
  };
}

/** A target that was computed from the shape of the input holds the batch of the probe. */
function targetText(target: readonly number[], { batch }: ReshapeInput): string {
  return `[${target.map((dim, axis) => (axis === 0 && dim === batch ? 'batch' : dim)).join(', ')}]`;
}

/** Which part of the target does not do at the served sizes what it did at those of the export. */
function mismatch(
  before: ReshapeInput,
  exportedResult: readonly number[],
  after: ReshapeInput,
  target: readonly number[],
): string {
  const stale = alignedRuns(before.dims, exportedResult).filter(({ inputs }) =>
    inputs.some((axis) => before.dims[axis] !== after.dims[axis]),
  );
  const isLiteral = ({ outputs }: (typeof stale)[number]) => outputs.every((axis) => (target[axis] ?? 0) > 0);
  const { inputs = [], outputs = [] } = stale.find(isLiteral) ?? stale[0] ?? {};
  const was = inputs.map((axis) => before.dims[axis]).join('x');
  const is = inputs.map((axis) => (axis === 0 && after.dims[0] === after.batch ? 'batch' : after.dims[axis])).join('x');
  const fixed = outputs.map((axis) => target[axis]).join(', ');
  return `its target ${targetText(target, after)} was made for ${was} where the input is now ${is}: ${fixed} does not follow`;
}

function resolved(input: Shape, target: readonly number[], keepsZero: boolean): readonly number[] | string {
  try {
    const dims = resolveReshape(input, target, keepsZero);
    return isComplete(dims) ? dims : 'its target copies a dim that its input does not have';
  } catch (cause) {
    if (cause instanceof ShapeConflict) return cause.message;
    throw cause;
  }
}
