import type { NodeProto } from '../gen/onnx/onnx.js';
import { SERVED_BATCH, type Comparison } from './comparison.js';
import { attributeOf } from './graph.js';
import { resolveReshape } from './shape-rules/layout.js';
import { ShapeConflict, type Shape } from './shape-rules/rule.js';
import { int64Tensor } from './tensor.js';
import { FOLLOWS, refuse, type Verdict } from './verdict.js';

/**
 * Judges a Reshape by lining up the dims before and after it: in row-major order every run of input dims becomes a run
 * of output dims with as many elements, and that must still hold, run by run, at the sizes to be served. A literal
 * batch at dim 0 is put right; anything else that does not follow is refused.
 */
export function judgeReshape(node: NodeProto, comparison: Comparison): Verdict {
  const { exported, served, servedOther } = comparison;
  const [data = '', shape = ''] = node.input;
  const [before, after] = [exported.shapeOf(data), served.shapeOf(data)];
  const [exportedTarget, target] = [exported.valueOf(shape)?.numbers, served.valueOf(shape)?.numbers];
  if (target === undefined || exportedTarget === undefined) return FOLLOWS;
  if (before === null || after === null || before.includes(null) || after.includes(null)) {
    return judgeBlind(target, comparison, data);
  }
  // A reshape of constants: neither the batch nor the size of the picture goes through it.
  if (same(before, after) && same(after, servedOther.shapeOf(data))) return FOLLOWS;

  const keepsZero = Number(attributeOf(node, 'allowzero')?.i ?? 0n) === 1;
  const exportedResult = resolved(before, exportedTarget, keepsZero);
  if (typeof exportedResult === 'string') return refuse(exportedResult);
  const reason = mismatch(before, exportedResult, after, target, keepsZero);
  if (reason === null) return FOLLOWS;

  const [first, ...rest] = target;
  const candidates = [];
  if (first === comparison.exportedBatch) {
    if (!keepsZero && after[0] === SERVED_BATCH) candidates.push([0, ...rest]);
    if (!rest.includes(-1)) candidates.push([-1, ...rest]);
  }
  const reasons = candidates.map((to) => ({ to, reason: mismatch(before, exportedResult, after, to, keepsZero) }));
  const exact = reasons.find((candidate) => candidate.reason === null);
  if (exact !== undefined) return retarget(data, target, exact.to);
  return refuse(reasons[0]?.reason ?? reason);
}

function retarget(data: string, from: readonly number[], to: readonly number[]): Verdict {
  return {
    kind: 'replace',
    change: `target [${from.join(', ')}] -> [${to.join(', ')}]`,
    role: 'target',
    constant: (name) => int64Tensor(name, to),
    inputs: (name) => [data, name],
  };
}

/** Without the shape of the input only a target whose dim 0 is open can be trusted, and only at the exported size. */
function judgeBlind(target: readonly number[], { exported, served }: Comparison, data: string): Verdict {
  const open = target[0] === 0 || target[0] === -1;
  const resized = !same(exported.shapeOf(data), served.shapeOf(data));
  if (open && !resized) return FOLLOWS;
  const text = `[${target.join(', ')}]`;
  return { kind: 'refuse', reason: `the shape of its input is not known, so its target ${text} cannot be checked` };
}

/** Why `target` does not do at the served sizes what the exported one does at its own; null where it does. */
function mismatch(
  before: Shape,
  exportedResult: Shape,
  after: Shape,
  target: readonly number[],
  keepsZero: boolean,
): string | null {
  const result = resolved(after, target, keepsZero);
  // Where the target cannot be filled in at all, its literals alone show which run is to blame.
  const made = typeof result === 'string' ? target.map((dim) => (dim > 0 ? dim : null)) : result;
  const failed = alignedRuns(before, exportedResult).filter(
    (run) => !sameElements(run, after, made) || !sameOrder(run, before, exportedResult, after, made),
  );
  const isLiteral = ({ outputs }: Run) => outputs.every((axis) => (target[axis] ?? 0) > 0);
  const blamed = failed.find(isLiteral) ?? failed[0];
  if (blamed === undefined) return typeof result === 'string' ? result : null;
  const was = blamed.inputs.map((axis) => before[axis]).join('x');
  const is = blamed.inputs.map((axis) => (axis === 0 && after[0] === SERVED_BATCH ? 'batch' : after[axis])).join('x');
  const fixed = blamed.outputs.map((axis) => target[axis]).join(', ');
  const shown = target.map((dim, axis) => (axis === 0 && dim === SERVED_BATCH ? 'batch' : dim)).join(', ');
  return `its target [${shown}] was made for ${was} where the input is now ${is}: ${fixed} does not follow`;
}

function sameElements({ inputs, outputs }: Run, after: Shape, made: Shape): boolean {
  if (outputs.some((axis) => made[axis] === null)) return true;
  return elements(inputs, after) === elements(outputs, made);
}

/**
 * Whether a run that has as many elements as it should also has them in the right groups: a literal in front of the dim
 * that changes can only be made of input dims that keep their size, one behind it also of the inner part of the input
 * dim that changed. Otherwise rows or pictures would be mixed.
 */
function sameOrder({ inputs, outputs }: Run, before: Shape, exportedResult: Shape, after: Shape, made: Shape): boolean {
  const isChanged = (axis: number) => before[axis] !== after[axis];
  const isRemade = (axis: number) => exportedResult[axis] !== made[axis];
  const [first, last] = [inputs.findIndex(isChanged), inputs.findLastIndex(isChanged)];
  const [firstMade, lastMade] = [outputs.findIndex(isRemade), outputs.findLastIndex(isRemade)];
  if (first === -1 || firstMade === -1) return true;
  return (
    elements(inputs.slice(0, first), before) % elements(outputs.slice(0, firstMade), made) === 0 &&
    elements(inputs.slice(last), before) % elements(outputs.slice(lastMade + 1), made) === 0
  );
}

function resolved(input: Shape, target: readonly number[], keepsZero: boolean): Shape | string {
  try {
    return resolveReshape(input, target, keepsZero);
  } catch (cause) {
    if (cause instanceof ShapeConflict) return cause.message;
    throw cause;
  }
}

interface Run {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Splits the axes of both shapes into the shortest runs with the same number of elements. */
function alignedRuns(before: Shape, result: Shape): Run[] {
  const runs: { inputs: number[]; outputs: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < result.length) {
    let [has, gets] = [before[i] ?? 1, result[j] ?? 1];
    const run = { inputs: [i++], outputs: [j++] };
    while (has !== gets && (has < gets ? i < before.length : j < result.length)) {
      if (has < gets) {
        has *= before[i] ?? 1;
        run.inputs.push(i++);
      } else {
        gets *= result[j] ?? 1;
        run.outputs.push(j++);
      }
    }
    runs.push(run);
  }
  // Sizes of 1 at the end of one side belong to the last run.
  for (; i < before.length; i++) runs.at(-1)?.inputs.push(i);
  for (; j < result.length; j++) runs.at(-1)?.outputs.push(j);
  return runs;
}

function elements(axes: readonly number[], shape: Shape): number {
  return axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
}

function same(left: Shape | null, right: Shape | null): boolean {
  return left !== null && right !== null && left.length === right.length && left.every((dim, i) => dim === right[i]);
}
