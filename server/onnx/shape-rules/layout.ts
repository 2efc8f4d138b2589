import { ShapeConflict, type NodeView, type Shape, type ShapeRule } from './rule.js';
import { dimsOf } from '../tensor.js';
import { broadcast } from './elementwise.js';

const reshape: ShapeRule = (view) => {
  const target = view.value(1)?.numbers;
  if (target === undefined) return [null];
  return [resolveReshape(view.shape(0), target, view.int('allowzero', 0) === 1)];
};

/** What a Reshape makes of `input`; throws ShapeConflict where the number of elements cannot stay the same. */
export function resolveReshape(input: Shape | null, target: readonly number[], allowZero = false): Shape {
  const dims = target.map((dim, axis) => {
    if (dim === 0 && !allowZero) return input?.[axis] ?? null;
    return dim === -1 ? null : dim;
  });
  if (input === null || input.includes(null)) return dims;
  const total = product(input);
  const known = product(dims);
  if (!target.includes(-1)) {
    if (known !== total) throw new ShapeConflict(`[${input.join(', ')}] cannot become [${target.join(', ')}]`);
    return dims;
  }
  if (known === 0 || total % known !== 0) {
    throw new ShapeConflict(`[${input.join(', ')}] cannot become [${target.join(', ')}]`);
  }
  return dims.map((dim, axis) => (target[axis] === -1 ? total / known : dim));
}

function product(shape: Shape): number {
  return shape.reduce<number>((result, dim) => result * (dim ?? 1), 1);
}

const flatten: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null || input.includes(null)) return [null];
  const axis = fromEnd(view.int('axis', 1), input.length);
  return [[product(input.slice(0, axis)), product(input.slice(axis))]];
};

const transpose: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null) return [null];
  const order = view.ints('perm') ?? input.map((_, axis) => input.length - 1 - axis);
  return [order.map((axis) => input[axis] ?? null)];
};

const concat: ShapeRule = (view) => {
  const inputs = view.node.input.map((_, index) => view.shape(index));
  const [first] = inputs;
  if (first === undefined || first === null) return [null];
  const along = fromEnd(view.int('axis', 0), first.length);
  const result = first.map((dim, axis) => {
    const dims = inputs.map((shape) => shape?.[axis] ?? null);
    if (axis === along) return sum(dims);
    const known = dims.filter((size) => size !== null);
    if (new Set(known).size > 1) {
      throw new ShapeConflict(`its inputs have ${known.join(' and ')} along axis ${axis}, and it joins axis ${along}`);
    }
    return known[0] ?? dim;
  });
  return [result];
};

function sum(dims: readonly (number | null)[]): number | null {
  return dims.reduce((total, dim) => (total === null || dim === null ? null : total + dim), 0);
}

const split: ShapeRule = (view) => {
  const input = view.shape(0);
  const { length: parts } = view.node.output;
  if (input === null) return [null];
  const along = fromEnd(view.int('axis', 0), input.length);
  const total = input[along] ?? null;
  const lengths = view.ints('split') ?? view.value(1)?.numbers ?? null;
  if (lengths !== null && total !== null && lengths.reduce((sum, part) => sum + part, 0) !== total) {
    throw new ShapeConflict(`its parts [${lengths.join(', ')}] do not add up to ${total}`);
  }
  const even = total === null ? null : Math.ceil(total / parts);
  return view.node.output.map((_, index) => {
    const last = even === null || total === null ? null : Math.min(even, total - even * index);
    const part = lengths === null ? last : (lengths[index] ?? null);
    return input.map((dim, axis) => (axis === along ? part : dim));
  });
};

const slice: ShapeRule = (view) => {
  const input = view.shape(0);
  const argument = (name: string, index: number) => view.ints(name) ?? view.value(index)?.numbers ?? null;
  const [starts, ends] = [argument('starts', 1), argument('ends', 2)];
  if (input === null || starts === null || ends === null) return [input?.map(() => null) ?? null];
  const axes = argument('axes', 3) ?? starts.map((_, index) => index);
  const steps = argument('steps', 4) ?? starts.map(() => 1);
  const result = [...input];
  axes.forEach((given, index) => {
    const axis = fromEnd(given, input.length);
    const size = input[axis] ?? null;
    result[axis] = size === null ? null : slicedSize(size, starts[index] ?? 0, ends[index] ?? 0, steps[index] ?? 1);
  });
  return [result];
};

function slicedSize(size: number, start: number, end: number, step: number): number {
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + size : position, least), most);
  return Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step));
}

/** The axes of Squeeze, Unsqueeze and the reductions: an attribute once, an input since opset 13 (18). */
function axesOf(view: NodeView): readonly number[] | null {
  return view.ints('axes') ?? view.value(1)?.numbers ?? null;
}

const squeeze: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null) return [null];
  const axes = axesOf(view)?.map((axis) => fromEnd(axis, input.length));
  if (axes === undefined && (view.node.input.length > 1 || input.includes(null))) return [null];
  return [input.filter((dim, axis) => (axes === undefined ? dim !== 1 : !axes.includes(axis)))];
};

const unsqueeze: ShapeRule = (view) => {
  const [input, axes] = [view.shape(0), axesOf(view)];
  if (input === null || axes === null) return [null];
  const rank = input.length + axes.length;
  const added = new Set(axes.map((axis) => fromEnd(axis, rank)));
  const rest = [...input];
  return [Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() ?? null)))];
};

const gather: ShapeRule = (view) => {
  const [data, indices] = [view.shape(0), view.shape(1)];
  if (data === null || indices === null) return [null];
  const axis = fromEnd(view.int('axis', 0), data.length);
  return [[...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]];
};

const expand: ShapeRule = (view) => [broadcast(view.shape(0), view.value(1)?.numbers ?? null)];

const pad: ShapeRule = (view) => {
  const input = view.shape(0);
  const pads = view.ints('pads') ?? view.value(1)?.numbers ?? null;
  if (input === null || pads === null || pads.length !== input.length * 2) return [input?.map(() => null) ?? null];
  return [
    input.map((size, axis) => (size === null ? null : size + (pads[axis] ?? 0) + (pads[axis + input.length] ?? 0))),
  ];
};

const reduce: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null) return [null];
  const axes = (view.node.opType.startsWith('Arg') ? [view.int('axis', 0)] : axesOf(view)) ?? null;
  if (axes === null && view.node.input.length > 1) return [null];
  const reduced = new Set((axes ?? input.map((_, axis) => axis)).map((axis) => fromEnd(axis, input.length)));
  const kept = input.map((dim, axis) => (reduced.has(axis) ? 1 : dim));
  return [view.int('keepdims', 1) === 1 ? kept : kept.filter((_, axis) => !reduced.has(axis))];
};

const matMul: ShapeRule = (view) => {
  const [left, right] = [view.shape(0), view.shape(1)];
  if (left === null || right === null || left.length < 2 || right.length < 2) return [null];
  const [inner, other] = [left.at(-1) ?? null, right.at(-2) ?? null];
  if (inner !== null && other !== null && inner !== other) {
    throw new ShapeConflict(`it multiplies rows of ${inner} by columns of ${other}`);
  }
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
  return [batch === null ? null : [...batch, left.at(-2) ?? null, right.at(-1) ?? null]];
};

const gemm: ShapeRule = (view) => {
  const [left, right] = [view.shape(0), view.shape(1)];
  if (left?.length !== 2 || right?.length !== 2) return [null];
  const [a, b] = [view.int('transA', 0) === 1, view.int('transB', 0) === 1];
  const [inner, other] = [left[a ? 0 : 1] ?? null, right[b ? 1 : 0] ?? null];
  if (inner !== null && other !== null && inner !== other) {
    throw new ShapeConflict(`it multiplies rows of ${inner} by columns of ${other}`);
  }
  return [[left[a ? 1 : 0] ?? null, right[b ? 0 : 1] ?? null]];
};

const constant: ShapeRule = (view) => {
  const tensor = view.tensor('value');
  if (tensor !== null) return [dimsOf(tensor)];
  const list = view.node.attribute.find(({ name }) => name === 'value_ints' || name === 'value_floats');
  return [list === undefined ? [] : [Math.max(list.ints.length, list.floats.length)]];
};

const shapeOf: ShapeRule = (view) => {
  const rank = view.shape(0)?.length;
  if (rank === undefined) return [[null]];
  return [[slicedSize(rank, view.int('start', 0), view.int('end', rank), 1)]];
};

const range: ShapeRule = (view) => {
  const [start, limit, step] = [0, 1, 2].map((index) => view.value(index)?.numbers[0]);
  if (start === undefined || limit === undefined || step === undefined || step === 0) return [[null]];
  return [[Math.max(0, Math.ceil((limit - start) / step))]];
};

const tile: ShapeRule = (view) => {
  const [input, repeats] = [view.shape(0), view.value(1)?.numbers];
  if (input === null || repeats === undefined) return [input?.map(() => null) ?? null];
  return [input.map((size, axis) => (size === null ? null : size * (repeats[axis] ?? 1)))];
};

const topK: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null) return [null, null];
  const along = fromEnd(view.int('axis', -1), input.length);
  const count = view.ints('k')?.[0] ?? view.value(1)?.numbers[0] ?? (view.opset < 10 ? view.int('k', 0) : null);
  const result = input.map((size, axis) => (axis === along ? count : size));
  return [result, result];
};

const gatherElements: ShapeRule = (view) => [view.shape(1)];

const size: ShapeRule = () => [[]];

const constantOfShape: ShapeRule = (view) => [view.value(0)?.numbers ?? null];

/** An axis counted from the end, as -1, counted from the start. */
export function fromEnd(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

const REDUCTIONS = [
  'ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp',
  'ReduceSumSquare', 'ArgMax', 'ArgMin',
]; // prettier-ignore

/** Operators that move elements about or combine whole axes. */
export const LAYOUT_RULES: Readonly<Record<string, ShapeRule>> = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Gather: gather,
  Expand: expand,
  Pad: pad,
  MatMul: matMul,
  Gemm: gemm,
  Constant: constant,
  Shape: shapeOf,
  ConstantOfShape: constantOfShape,
  Range: range,
  Size: size,
  Tile: tile,
  TopK: topK,
  GatherElements: gatherElements,
  ...Object.fromEntries(REDUCTIONS.map((opType) => [opType, reduce])),
};
