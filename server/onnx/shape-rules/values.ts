import { DataType, numbersOf } from '../tensor.js';
import { ARITHMETIC_RULES, broadcastNumbers, rounded } from './arithmetic.js';
import { fromEnd } from './layout.js';
import type { NodeView, ValueRule } from './rule.js';

/**
 * The arithmetic that exporters do on shapes and grids: Shape, Gather, Mul, Concat, Range and the like. What is not known
 * here is simply not known; no rule refuses.
 */

const constant: ValueRule = (view) => {
  const tensor = view.tensor('value');
  if (tensor !== null) {
    const numbers = numbersOf(tensor);
    return numbers === null ? null : { numbers, type: tensor.dataType };
  }
  const [first] = view.node.attribute;
  switch (first?.name) {
    case 'value_int':
      return { numbers: [Number(first.i)], type: DataType.INT64 };
    case 'value_ints':
      return { numbers: first.ints.map(Number), type: DataType.INT64 };
    case 'value_float':
      return { numbers: [first.f], type: DataType.FLOAT };
    case 'value_floats':
      return { numbers: first.floats, type: DataType.FLOAT };
    default:
      return null;
  }
};

const shapeOf: ValueRule = (view) => {
  const shape = view.shape(0);
  const part = shape?.slice(view.int('start', 0), view.int('end', shape.length));
  return part === undefined || part.includes(null) ? null : { numbers: part.map(Number), type: DataType.INT64 };
};

const sizeOf: ValueRule = (view) => {
  const shape = view.shape(0);
  if (shape === null || shape.includes(null)) return null;
  return { numbers: [shape.reduce<number>((product, dim) => product * (dim ?? 1), 1)], type: DataType.INT64 };
};

/** The same elements in the same order. */
const same: ValueRule = (view) => view.value(0);

const expand: ValueRule = (view, dims) => {
  const value = view.value(0);
  return value === null ? null : { numbers: broadcastNumbers(value, dims), type: value.type };
};

const constantOfShape: ValueRule = (view, dims) => {
  const tensor = view.tensor('value');
  const [fill] = tensor === null ? [0] : (numbersOf(tensor) ?? []);
  if (fill === undefined) return null;
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { numbers: Array.from({ length: count }, () => fill), type: tensor?.dataType ?? DataType.FLOAT };
};

const range: ValueRule = (view, [count = 0]) => {
  const [start, step] = [view.value(0), view.value(2)];
  const [from, by] = [start?.numbers[0], step?.numbers[0]];
  if (start === null || from === undefined || by === undefined) return null;
  return rounded(
    Array.from({ length: count }, (_, index) => from + index * by),
    start.type,
  );
};

const concat: ValueRule = (view, dims) => {
  const values = view.node.input.map((_, index) => view.value(index));
  const known = values.filter((value) => value !== null);
  const [first] = known;
  if (first === undefined || known.length < values.length) return null;
  const axis = fromEnd(view.int('axis', 0), dims.length);
  const blocks = dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const numbers = Array.from({ length: blocks }, (_, block) =>
    known.flatMap((value) => {
      const length = value.numbers.length / blocks;
      return value.numbers.slice(block * length, (block + 1) * length);
    }),
  );
  return { numbers: numbers.flat(), type: first.type };
};

/** What stands at the places that `sourceOf` gives, one for each element of the result. */
function pick(view: NodeView, dims: readonly number[], sourceOf: (place: readonly number[]) => number[]): number[] {
  const value = view.value(0);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: count }, (_, index) => {
    const source = sourceOf(placeOf(index, dims));
    const at = source.reduce((offset, place, axis) => offset * (value?.dims[axis] ?? 1) + place, 0);
    return value?.numbers[at] ?? NaN;
  });
}

function placeOf(index: number, dims: readonly number[]): number[] {
  let rest = index;
  return dims
    .toReversed()
    .map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    })
    .reverse();
}

const transpose: ValueRule = (view, dims) => {
  const value = view.value(0);
  if (value === null) return null;
  const order = view.ints('perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
  const numbers = pick(view, dims, (place) => order.map((_, axis) => place[order.indexOf(axis)] ?? 0));
  return { numbers, type: value.type };
};

const gather: ValueRule = (view, dims) => {
  const [data, indices] = [view.value(0), view.value(1)];
  if (data === null || indices === null) return null;
  const axis = fromEnd(view.int('axis', 0), data.dims.length);
  const size = data.dims[axis] ?? 0;
  const chosen = indices.numbers.map((index) => fromEnd(index, size));
  if (chosen.some((index) => index < 0 || index >= size)) return null;
  const numbers = pick(view, dims, (place) => {
    const inner = place.slice(axis, axis + indices.dims.length);
    const index = inner.reduce((offset, at, dim) => offset * (indices.dims[dim] ?? 1) + at, 0);
    return [...place.slice(0, axis), chosen[index] ?? 0, ...place.slice(axis + indices.dims.length)];
  });
  return { numbers, type: data.type };
};

const slice: ValueRule = (view, dims) => {
  const data = view.value(0);
  const starts = argument(view, 'starts', 1);
  if (data === null || starts === null) return null;
  const axes = argument(view, 'axes', 3) ?? starts.map((_, index) => index);
  const steps = argument(view, 'steps', 4) ?? starts.map(() => 1);
  const [first, step] = [dims.map(() => 0), dims.map(() => 1)];
  axes.forEach((given, index) => {
    const axis = fromEnd(given, dims.length);
    const [size, by] = [data.dims[axis] ?? 0, steps[index] ?? 1];
    const start = fromEnd(starts[index] ?? 0, size);
    first[axis] = Math.min(Math.max(start, 0), by > 0 ? size : size - 1);
    step[axis] = by;
  });
  const numbers = pick(view, dims, (place) => place.map((at, axis) => (first[axis] ?? 0) + at * (step[axis] ?? 1)));
  return { numbers, type: data.type };
};

function argument(view: NodeView, name: string, index: number): readonly number[] | null {
  return view.ints(name) ?? view.value(index)?.numbers ?? null;
}

/** Rules for the elements of a node's output, by operator. */
export const VALUE_RULES: Readonly<Record<string, ValueRule>> = {
  ...ARITHMETIC_RULES,
  Constant: constant,
  Shape: shapeOf,
  Size: sizeOf,
  Identity: same,
  Squeeze: same,
  Unsqueeze: same,
  Reshape: same,
  Flatten: same,
  Expand: expand,
  ConstantOfShape: constantOfShape,
  Range: range,
  Concat: concat,
  Transpose: transpose,
  Gather: gather,
  Slice: slice,
};
