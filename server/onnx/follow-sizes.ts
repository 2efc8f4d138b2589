import type { GraphProto, NodeProto, TensorProto } from '../gen/onnx/onnx.js';
import { compareSizes, type InputSize } from './comparison.js';
import { initializerNames, usedNames, type OnnxModel } from './graph.js';
import type { ImageInput } from './image-input.js';
import { judgeReshape } from './reshape.js';
import { judgeResize } from './resize.js';
import { judgeSlice } from './slice.js';
import type { Judge, Verdict } from './verdict.js';

/** Operators whose constants may hold a batch or a size of the export. */
const JUDGES: Readonly<Record<string, Judge>> = { Reshape: judgeReshape, Resize: judgeResize, Slice: judgeSlice };

/** A node that does not follow the served sizes by itself. */
export interface Step {
  readonly node: NodeProto;
  readonly verdict: Exclude<Verdict, { kind: 'follows' }>;
}

/**
 * Replaces literal batches and sizes inside the graph, node after node since each changes the shapes behind it. Ends at
 * the first node that is refused, which is then the last step: what comes behind it cannot be judged.
 */
export function followSizes(model: OnnxModel, input: ImageInput, size: InputSize): { model: OnnxModel; steps: Step[] } {
  const steps: Step[] = [];
  let result = model;
  let comparison = compareSizes(result, input, size);
  for (const [index, node] of model.graph.node.entries()) {
    const verdict = JUDGES[node.opType]?.(node, comparison);
    if (verdict === undefined || verdict.kind === 'follows') continue;
    steps.push({ node, verdict });
    if (verdict.kind === 'refuse') break;
    const constant = verdict.constant(freshName(result.graph, node, verdict.role));
    result = withArguments(result, index, constant, verdict.inputs(constant.name));
    comparison = compareSizes(result, input, size);
  }
  return { model: result, steps };
}

/** The model with other inputs for one node and the constant that they refer to; what fed only the old ones goes. */
function withArguments(model: OnnxModel, index: number, constant: TensorProto, input: string[]): OnnxModel {
  const { graph } = model;
  const before = graph.node[index];
  const node = graph.node.map((other, at) => (at === index ? { ...other, input } : other));
  const used = usedNames({ ...graph, node });
  const orphaned = new Set(before?.input.filter((name) => name !== '' && !used.has(name)));
  return {
    ...model,
    graph: {
      ...graph,
      // A Constant node stays in its place, so that the indices of the nodes hold; runtimes remove it.
      node,
      initializer: [...graph.initializer.filter(({ name }) => !orphaned.has(name)), constant],
    },
  };
}

function freshName(graph: GraphProto, node: NodeProto, what: string): string {
  const taken = new Set(graph.node.flatMap(({ output }) => output).concat([...initializerNames(graph)]));
  let name = `${node.output[0] ?? ''}/${what}`;
  while (taken.has(name)) name += '_';
  return name;
}
