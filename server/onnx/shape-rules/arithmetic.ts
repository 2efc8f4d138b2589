import { DataType, isInteger } from '../tensor.js';
import type { Elements, NodeView, Value, ValueRule } from './rule.js';

/** The elements of a value stretched to `dims`, as broadcasting does it. */
export function broadcastNumbers({ numbers, dims: from }: Value, dims: readonly number[]): number[] {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const lead = dims.length - from.length;
  // How far one step along an axis of the result goes in the value: not at all where it is stretched.
  const steps = dims.map(() => 0);
  for (let axis = from.length - 1, step = 1; axis >= 0; step *= from[axis--] ?? 1) {
    steps[axis + lead] = from[axis] === 1 ? 0 : step;
  }
  return Array.from({ length: count }, (_, index) => {
    let [rest, at] = [index, 0];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const size = dims[axis] ?? 1;
      at += (rest % size) * (steps[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    return numbers[at] ?? NaN;
  });
}

/** Numbers as a tensor of the type holds them. */
export function rounded(numbers: readonly number[], type: number): Elements {
  if (isInteger(type)) return { numbers: numbers.map(Math.trunc), type };
  return { numbers: type === DataType.FLOAT ? numbers.map(Math.fround) : numbers, type };
}

function unary(change: (number: number) => number): ValueRule {
  return (view) => {
    const value = view.value(0);
    return value === null ? null : rounded(value.numbers.map(change), value.type);
  };
}

function binary(combine: (left: number, right: number) => number, type?: number): ValueRule {
  return (view, dims) => {
    const [left, right] = [view.value(0), view.value(1)];
    if (left === null || right === null || left.type !== right.type) return null;
    const [a, b] = [broadcastNumbers(left, dims), broadcastNumbers(right, dims)];
    const whole = isInteger(left.type);
    // A division of whole numbers by nothing has no answer; the runtime may do as it likes.
    const numbers = a.map((number, index) => combine(number, b[index] ?? NaN));
    return whole && numbers.some((number) => !Number.isFinite(number)) ? null : rounded(numbers, type ?? left.type);
  };
}

function compare(holds: (left: number, right: number) => boolean): ValueRule {
  return binary((left, right) => Number(holds(left, right)), DataType.BOOL);
}

/** Whole numbers take the sign of the divisor, unless the node asks for that of C. */
const mod: ValueRule = (view, dims) => {
  const asInC = view.int('fmod', 0) === 1;
  return binary((left, right) => (asInC ? left % right : left - Math.floor(left / right) * right))(view, dims);
};

const cast: ValueRule = (view) => {
  const value = view.value(0);
  const type = view.int('to', DataType.UNDEFINED);
  if (value === null) return null;
  if (type === DataType.BOOL) return { numbers: value.numbers.map((number) => Number(number !== 0)), type };
  if (!isInteger(type) && type !== DataType.FLOAT && type !== DataType.DOUBLE) return null;
  return rounded(value.numbers, type);
};

const where: ValueRule = (view, dims) => {
  const [condition, yes, no] = [view.value(0), view.value(1), view.value(2)];
  if (condition === null || yes === null || no === null) return null;
  const [a, b] = [broadcastNumbers(yes, dims), broadcastNumbers(no, dims)];
  const numbers = broadcastNumbers(condition, dims).map((holds, index) => (holds === 0 ? b : a)[index] ?? NaN);
  return { numbers, type: yes.type };
};

/** Over all elements: the count of a shape. */
function reduceAll(combine: (left: number, right: number) => number): ValueRule {
  return (view: NodeView, dims) => {
    const value = view.value(0);
    const [first, ...rest] = value?.numbers ?? [];
    if (value === null || first === undefined || dims.some((dim) => dim !== 1)) return null;
    return rounded([rest.reduce(combine, first)], value.type);
  };
}

/** Rules for the elements of element-wise results. */
export const ARITHMETIC_RULES: Readonly<Record<string, ValueRule>> = {
  Cast: cast,
  Where: where,
  Mod: mod,
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Neg: unary((number) => -number),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Not: unary((number) => Number(number === 0)),
  Add: binary((left, right) => left + right),
  Sub: binary((left, right) => left - right),
  Mul: binary((left, right) => left * right),
  Div: binary((left, right) => left / right),
  Min: binary((left, right) => Math.min(left, right)),
  Max: binary((left, right) => Math.max(left, right)),
  And: binary((left, right) => left * right),
  Or: binary((left, right) => Math.max(left, right)),
  Equal: compare((left, right) => left === right),
  Greater: compare((left, right) => left > right),
  GreaterOrEqual: compare((left, right) => left >= right),
  Less: compare((left, right) => left < right),
  LessOrEqual: compare((left, right) => left <= right),
  ReduceProd: reduceAll((left, right) => left * right),
  ReduceSum: reduceAll((left, right) => left + right),
  ReduceMax: reduceAll((left, right) => Math.max(left, right)),
  ReduceMin: reduceAll((left, right) => Math.min(left, right)),
};
