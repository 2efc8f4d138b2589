import { isInteger, numbersOf, DataType } from '../tensor.js';
import type { NodeView, Value, ValueRule } from './rule.js';
import { fromEnd } from './layout.js';

/**
 * The arithmetic that exporters do on shapes: Shape, Gather, Mul, Concat and the like, on vectors and scalars. What is
 * not known here is simply not known; no rule refuses.
 */

const constant: ValueRule = (view) => {
  const tensor = view.tensor('value');
  if (tensor !== null) {
    const numbers = numbersOf(tensor);
    return numbers === null ? null : { numbers, integer: isInteger(tensor.dataType) };
  }
  const [first] = view.node.attribute;
  switch (first?.name) {
    case 'value_int':
      return { numbers: [Number(first.i)], integer: true };
    case 'value_ints':
      return { numbers: first.ints.map(Number), integer: true };
    case 'value_float':
      return { numbers: [first.f], integer: false };
    case 'value_floats':
      return { numbers: first.floats, integer: false };
    default:
      return null;
  }
};

const shapeOf: ValueRule = (view) => {
  const shape = view.shape(0);
  const part = shape?.slice(view.int('start', 0), view.int('end', shape.length));
  return part === undefined || part.includes(null) ? null : { numbers: part.map(Number), integer: true };
};

const same: ValueRule = (view) => view.value(0);

const cast: ValueRule = (view) => {
  const value = view.value(0);
  if (value === null) return null;
  const to = view.int('to', DataType.UNDEFINED);
  const integer = isInteger(to);
  if (!integer && to !== DataType.FLOAT && to !== DataType.DOUBLE) return null;
  return { numbers: integer ? value.numbers.map(Math.trunc) : value.numbers, integer };
};

const floor: ValueRule = (view) => mapped(view.value(0), Math.floor);
const ceil: ValueRule = (view) => mapped(view.value(0), Math.ceil);

function mapped(value: Value | null, change: (number: number) => number): Value | null {
  return value === null ? null : { ...value, numbers: value.numbers.map(change) };
}

function arithmetic(combine: (left: number, right: number) => number): ValueRule {
  return (view) => {
    const [left, right] = [view.value(0), view.value(1)];
    if (left === null || right === null) return null;
    const { length } = left.numbers.length === 1 ? right.numbers : left.numbers;
    if (right.numbers.length !== 1 && right.numbers.length !== length) return null;
    const at = ({ numbers }: Value, index: number) => numbers[numbers.length === 1 ? 0 : index] ?? 0;
    const integer = left.integer && right.integer;
    const numbers = Array.from({ length }, (_, index) => combine(at(left, index), at(right, index)));
    return { numbers: integer ? numbers.map(Math.trunc) : numbers, integer };
  };
}

const concat: ValueRule = (view) => {
  const values = view.node.input.map((_, index) => view.value(index));
  const known = values.filter((value) => value !== null);
  if (known.length < values.length || known[0] === undefined || view.shape(0)?.length !== 1) return null;
  return { numbers: known.flatMap(({ numbers }) => numbers), integer: known[0].integer };
};

const gather: ValueRule = (view) => {
  const [data, indices] = [view.value(0), view.value(1)];
  if (data === null || indices === null || view.shape(0)?.length !== 1) return null;
  const numbers = indices.numbers.map((index) => data.numbers[fromEnd(index, data.numbers.length)]);
  return numbers.includes(undefined) ? null : { numbers: numbers.map(Number), integer: data.integer };
};

const slice: ValueRule = (view) => {
  const data = view.value(0);
  const [start] = argument(view, 'starts', 1) ?? [];
  const [end] = argument(view, 'ends', 2) ?? [];
  const [step = 1] = argument(view, 'steps', 4) ?? [];
  if (data === null || view.shape(0)?.length !== 1 || start === undefined || end === undefined || step !== 1)
    return null;
  return { ...data, numbers: data.numbers.slice(start, end) };
};

function argument(view: NodeView, name: string, index: number): readonly number[] | null {
  return view.ints(name) ?? view.value(index)?.numbers ?? null;
}

/** Rules for the elements of a node's output, by operator. */
export const VALUE_RULES: Readonly<Record<string, ValueRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Identity: same,
  Squeeze: same,
  Unsqueeze: same,
  Reshape: same,
  Cast: cast,
  Floor: floor,
  Ceil: ceil,
  Add: arithmetic((left, right) => left + right),
  Sub: arithmetic((left, right) => left - right),
  Mul: arithmetic((left, right) => left * right),
  Div: arithmetic((left, right) => left / right),
  Concat: concat,
  Gather: gather,
  Slice: slice,
};
