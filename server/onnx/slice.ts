import type { NodeProto } from '../gen/onnx/onnx.js';
import type { Comparison } from './comparison.js';
import { attributeOf } from './graph.js';
import { fromEnd } from './shape-rules/layout.js';
import { FOLLOWS, refuse, type Verdict } from './verdict.js';

/** Exporters write the largest int32 or int64 for "to the end". */
const TO_THE_END = 2 ** 31 - 1;

/**
 * Judges a Slice: an end that is a literal position along an axis that changes its size cuts off something else than it
 * did, or nothing any more. Ends counted from the end, and steps, follow by themselves.
 */
export function judgeSlice(node: NodeProto, { exported, served }: Comparison): Verdict {
  const argument = (name: string, index: number): readonly number[] | undefined =>
    attributeOf(node, name)?.ints.map(Number) ?? served.valueOf(node.input[index] ?? '')?.numbers;
  const wasEnds = attributeOf(node, 'ends')?.ints.map(Number) ?? exported.valueOf(node.input[2] ?? '')?.numbers;
  const [before, after] = [exported.shapeOf(node.input[0] ?? ''), served.shapeOf(node.input[0] ?? '')];
  const ends = argument('ends', 2);
  if (before === null || after === null || ends === undefined) return FOLLOWS;
  const axes = argument('axes', 3) ?? ends.map((_, index) => index);
  const stale = axes.findIndex((given, index) => {
    const [axis, end] = [fromEnd(given, before.length), ends[index] ?? 0];
    return before[axis] !== after[axis] && end > 0 && end < TO_THE_END && end === wasEnds?.[index];
  });
  if (stale === -1) return FOLLOWS;
  const axis = fromEnd(axes[stale] ?? 0, before.length);
  return refuse(
    `it ends at ${ends[stale]} along axis ${axis}, which was ${before[axis]} long at the export and is now ${after[axis]}`,
  );
}
