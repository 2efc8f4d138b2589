import type { GraphProto, NodeProto } from '../../gen/onnx/onnx.js';
import type { Comparison } from '../comparison.js';
import { node } from '../builder.js';
import { attributeOf, initializerNames, nodeLabel, type OnnxModel } from '../graph.js';
import { branchOf, type Inference } from '../shape-inference.js';
import { FreshNames, withGraph, withValuesRenamed } from './edit.js';

/**
 * Puts the nodes of a branch in the place of an If whose condition is decided by shapes, the same at every batch:
 * exporters write such for a squeeze. In the main graph alone; what is inside a branch that is put in comes with it.
 */
export function inlineBranches(model: OnnxModel, { served }: Comparison, changes: string[]): OnnxModel {
  const decided = decidedBranches(model.graph, served);
  if (decided.size === 0) return model;
  const names = new FreshNames(model);
  const weights = [...model.graph.initializer];
  const nodes = model.graph.node.flatMap((one): NodeProto[] => {
    const branch = decided.get(one);
    if (branch === undefined) return [one];
    const taken = attributeOf(one, 'then_branch')?.g === branch ? 'then' : 'else';
    changes.push(`${nodeLabel(one)}: its ${taken} branch is always taken and now stands in its place`);
    const inner = withOwnNames(branch, one, names);
    weights.push(...inner.initializer);
    return inner.node;
  });
  return withGraph(model, { ...model.graph, node: nodes, initializer: weights });
}

/** The If nodes that always go the same way, and where. */
export function decidedBranches(graph: GraphProto, probes: readonly Inference[]): ReadonlyMap<NodeProto, GraphProto> {
  const decided = new Map<NodeProto, GraphProto>();
  for (const one of graph.node) {
    if (one.opType !== 'If') continue;
    const [first, ...others] = probes.map(({ valueOf }) => branchOf(one, valueOf(one.input[0] ?? '')));
    if (first != null && others.every((branch) => branch === first)) decided.set(one, first);
  }
  return decided;
}

/** A branch whose values have names that are new in the graph around it, but for those that the If gives out. */
function withOwnNames(branch: GraphProto, { output }: NodeProto, names: FreshNames): GraphProto {
  const weights = initializerNames(branch);
  const made = new Set(branch.node.flatMap((node) => node.output).filter((name) => name !== ''));
  const given = new Map<string, string>();
  const copies: [from: string, to: string][] = [];
  branch.output.forEach(({ name }, index) => {
    const to = output[index] ?? '';
    // What comes from outside, is a weight or is given out twice keeps a name of its own.
    if (made.has(name) && !given.has(name)) given.set(name, to);
    else copies.push([name, to]);
  });
  for (const name of [...weights, ...made]) {
    if (!given.has(name)) given.set(name, names.get(`${output[0] ?? ''}/${name}`));
  }
  const inside = withValuesRenamed(branch, given);
  const ends = copies.map(([from, to]) => node('Identity', [given.get(from) ?? from], [to]));
  return { ...inside, node: [...inside.node, ...ends] };
}
