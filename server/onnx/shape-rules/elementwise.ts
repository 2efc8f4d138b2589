import { ShapeConflict, type Shape, type ShapeRule } from './rule.js';

const sameShape: ShapeRule = ({ node, shape }) => node.output.map(() => shape(0));

const broadcastInputs: ShapeRule = ({ node, shape }) => {
  const [first = null, ...others] = node.input.map((_, index) => shape(index));
  return [others.reduce((left, right) => broadcast(left, right), first)];
};

/** The shape of an element-wise result; throws ShapeConflict where neither of two different sizes is 1. */
export function broadcast(left: Shape | null, right: Shape | null): Shape | null {
  if (left === null || right === null) return null;
  const rank = Math.max(left.length, right.length);
  const padded = (shape: Shape) => [...Array<number>(rank - shape.length).fill(1), ...shape];
  const others = padded(right);
  return padded(left).map((dim, index) => {
    const other = others[index] ?? null;
    if (dim === other || other === 1) return dim;
    if (dim === 1) return other;
    // An unknown size must equal a known one other than 1, or be 1: either way the result has the known one.
    if (dim === null || other === null) return dim ?? other;
    throw new ShapeConflict(
      `[${left.map((size) => size ?? '?').join(', ')}] and [${right.map((size) => size ?? '?').join(', ')}] do not go together`,
    );
  });
}

const SAME_SHAPE = [
  'Abs', 'BatchNormalization', 'Cast', 'CastLike', 'Ceil', 'Celu', 'Clip', 'Cos', 'CumSum', 'Dropout', 'DequantizeLinear', 'Elu', 'Erf', 'Exp', 'Floor',
  'Gelu', 'GroupNormalization', 'HardSigmoid', 'HardSwish', 'Hardmax', 'Identity', 'InstanceNormalization', 'IsNaN',
  'LayerNormalization', 'LeakyRelu', 'Log', 'LogSoftmax', 'LpNormalization', 'LRN', 'Mish', 'Neg', 'Not', 'PRelu',
  'QuantizeLinear', 'Reciprocal', 'Relu', 'Round', 'ScatterElements', 'ScatterND', 'Selu', 'Sigmoid', 'Sign', 'Sin',
  'Softmax', 'Softplus', 'Softsign', 'Sqrt', 'Swish', 'Tanh', 'ThresholdedRelu', 'Trilu',
]; // prettier-ignore
const BROADCAST = [
  'Add', 'And', 'Div', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Max', 'Mean', 'Min', 'Mod', 'Mul',
  'Or', 'Pow', 'Sub', 'Sum', 'Where', 'Xor',
]; // prettier-ignore

/** Operators that work element by element, with or without broadcasting. */
export const ELEMENTWISE_RULES: Readonly<Record<string, ShapeRule>> = Object.fromEntries([
  ...SAME_SHAPE.map((opType) => [opType, firstOutputOnly(sameShape, opType)] as const),
  ...BROADCAST.map((opType) => [opType, broadcastInputs] as const),
]);

/** Normalisations have further outputs of other shapes, which only training uses. */
function firstOutputOnly(rule: ShapeRule, opType: string): ShapeRule {
  const several = opType === 'BatchNormalization' || opType === 'LayerNormalization';
  return several ? (view) => rule(view).slice(0, 1) : rule;
}
