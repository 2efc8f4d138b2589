import type { NodeProto } from '../gen/onnx/onnx.js';
import type { Comparison, Probe } from './comparison.js';
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
  const argument = (name: string, index: number, probe: Probe): readonly number[] | undefined =>
    attributeOf(node, name)?.ints.map(Number) ?? probe.valueOf(node.input[index] ?? '')?.numbers;
  const [data = ''] = node.input;
  const [before, wasEnds] = [exported.shapeOf(data), argument('ends', 2, exported)];
  if (before === null) return FOLLOWS;
  for (const probe of served) {
    const [after, ends] = [probe.shapeOf(data), argument('ends', 2, probe)];
    if (after === null || ends === undefined) continue;
    const axes = argument('axes', 3, probe) ?? ends.map((_, index) => index);
    for (const [index, given] of axes.entries()) {
      const [axis, end] = [fromEnd(given, before.length), ends[index] ?? 0];
      if (before[axis] === after[axis] || end <= 0 || end >= TO_THE_END || end !== wasEnds?.[index]) continue;
      const lengths = `which was ${before[axis]} long at the export and is now ${after[axis]}`;
      return refuse(`it ends at ${end} along axis ${axis}, ${lengths}`);
    }
  }
  return FOLLOWS;
}
