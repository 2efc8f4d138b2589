import type { NodeProto } from '../gen/onnx/onnx.js';
import type { Comparison } from './comparison.js';
import type { Shape } from './shape-rules/rule.js';
import { floatTensor } from './tensor.js';
import { FOLLOWS, refuse, type Refusal, type Replacement, type Verdict } from './verdict.js';

/**
 * Judges a Resize to sizes: literals that were right for the exported batch or picture are replaced by the factor that
 * they stood for, where that factor is exact in float32 and so gives the very same sizes.
 */
export function judgeResize(node: NodeProto, { exported, served }: Comparison): Verdict {
  const [data = '', , , sizesInput = ''] = node.input;
  const [before, was] = [exported.shapeOf(data), exported.valueOf(sizesInput)?.numbers];
  if (before === null || was === undefined) return FOLLOWS;
  const stale = served.some(({ batch, shapeOf, valueOf }) => {
    const [after, is] = [shapeOf(data), valueOf(sizesInput)?.numbers];
    if (after === null || is === undefined) return false;
    const isLiteral = is.some((size, axis) => size === was[axis] && before[axis] !== after[axis]);
    return isLiteral || (after[0] === batch && is[0] !== batch);
  });
  if (!stale) return FOLLOWS;

  const text = `[${(served[0].valueOf(sizesInput)?.numbers ?? was).join(', ')}]`;
  return byScales(node, before, was, text);
}

/** A Resize of `before` to the sizes `was` as one by scales, or why there is none. `text`: how messages call the sizes. */
export function byScales(node: NodeProto, before: Shape, was: readonly number[], text: string): Replacement | Refusal {
  const [data = '', region = ''] = node.input;
  if (node.attribute.some(({ name }) => name === 'axes' || name === 'keep_aspect_ratio_policy')) {
    return refuse(`its sizes ${text} are fixed; export it with scale_factor`);
  }
  const scales = was.map((size, axis) => size / (before[axis] ?? NaN));
  const uneven = scales.findIndex((scale) => !isExactScale(scale));
  if (uneven !== -1) {
    const reason = `its sizes ${text} are no plain multiple of its input [${before.join(', ')}] along axis ${uneven}`;
    return refuse(`${reason}; export it with scale_factor`);
  }
  return {
    kind: 'replace',
    change: `sizes ${text} -> scales [${scales.join(', ')}]`,
    role: 'scales',
    constant: (name) => floatTensor(name, [scales.length], Float32Array.from(scales)),
    inputs: (name) => [data, region, name],
  };
}

/** Whole factors and the halves, quarters, ... of float32 lose nothing on the way through `floor(size * scale)`. */
function isExactScale(scale: number): boolean {
  return scale > 0 && Math.fround(scale) === scale && (Number.isInteger(scale) || Number.isInteger(1 / scale));
}
