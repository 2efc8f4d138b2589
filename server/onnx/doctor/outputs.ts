import { trainingOutputs, untransposedOutputs } from '../fixes/outputs.js';
import { anchorsFor } from '../fixes/merge-heads.js';
import { shapeText, usedNames, type OnnxModel } from '../graph.js';
import { ANCHORS_PER_CELL, rawHeads, strideSize, type NamedShape, type RawHead } from '../yolo-heads.js';
import type { DoctorContext, Observation } from './finding.js';
import { servedOutputs } from './steps.js';

const about = { rule: 'R7', fixable: false } as const;

/** R7: outputs as tasks take them: decoded, in one, rows before values, and nothing beside them. */
export function checkOutputs(model: OnnxModel, context: DoctorContext): Observation[] {
  const outputs = servedOutputs(model, context);
  return [...checkHeads(model, outputs, context), ...checkNames(model), ...checkUnused(model)];
}

function checkHeads(model: OnnxModel, outputs: readonly NamedShape[], context: DoctorContext): Observation[] {
  if (context.size === null) return [];
  const size = strideSize(context.size);
  const producer = (name: string) => model.graph.node.find(({ output }) => output.includes(name)) ?? null;
  const extra = trainingOutputs(outputs, size);
  const findings: Observation[] = [];
  if (extra.length > 0) {
    findings.push({
      ...about,
      severity: 'warning',
      node: producer(extra[0]?.name ?? ''),
      message: `beside the rows, ${extra.length} maps are given out: ${listed(extra)}`,
      why: 'Only training needs them; here they cost memory and time, and tasks expect the rows alone.',
      fix: 'Export with model.eval(), and return the rows alone.',
    });
  } else {
    const heads = rawHeads(outputs, size);
    if (heads.length > 0) findings.push(unmerged(model, heads, outputs, context));
  }
  for (const { name, shape } of untransposedOutputs(outputs, size)) {
    findings.push({
      ...about,
      severity: 'info',
      node: producer(name),
      message: `output '${name}' has values before rows: ${batchText(shape)}, as YOLOv8 and 11 are exported`,
      why: 'The server takes either order; with rows first a decoder reads memory in order.',
      fix: 'End the network with permute(0, 2, 1).',
    });
  }
  return [...findings, ...nineOutputs(outputs)];
}

function unmerged(
  { graph }: OnnxModel,
  heads: readonly RawHead[],
  outputs: readonly NamedShape[],
  { options }: DoctorContext,
): Observation {
  const names = heads.map(({ name }) => name);
  const facts = { ...options, classes: options.serving?.labels ?? 0 };
  const isCertain = anchorsFor(heads, graph, facts) !== null;
  const which = options.anchors === undefined ? `of YOLOv5 P${heads.length + 2}` : 'given';
  const hint = isCertain
    ? `--fix decodes them as YOLOv5 does (YOLOv3 and 4 of darknet differ), with the anchors ${which}.`
    : `If they are those of a YOLOv5, --fix with --anchors (p5, p6 or ${heads.length * ANCHORS_PER_CELL} widths and heights) merges them.`;
  return {
    ...about,
    severity: 'warning',
    node: graph.node.find(({ output }) => output.some((name) => names.includes(name))) ?? null,
    message: `${names.length} heads come out one by one, undecoded: ${listed(outputs.filter(({ name }) => names.includes(name)))}`,
    why: 'Each is copied and decoded on its own, and whoever decodes them has to know the anchors.',
    fix: `Merge and decode them in the network: one output [N, anchors, 5 + classes]. ${hint}`,
  };
}

/** SCRFD as its authors export it: scores, boxes and key points, each at three strides. */
function nineOutputs(outputs: readonly NamedShape[]): Observation[] {
  const values = outputs.map(({ shape }) => shape?.at(-1) ?? null);
  const count = (width: number) => values.filter((value) => value === width).length;
  if (outputs.length !== 9 || [1, 4, 10].some((width) => count(width) !== 3)) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: null,
      message: 'nine outputs, as the authors of SCRFD export it',
      why: 'The server takes them so, and merged in one [N, rows, 15] too; nothing is changed.',
      fix: null,
    },
  ];
}

function listed(outputs: readonly NamedShape[]): string {
  return outputs.map(({ name, shape }) => `'${name}' ${batchText(shape)}`).join(', ');
}

/** The batch of a probe is that of the model. */
function batchText(shape: NamedShape['shape']): string {
  return shapeText(shape?.map((dim, axis) => (axis === 0 ? 'batch' : dim)) ?? null);
}

function checkNames({ graph }: OnnxModel): Observation[] {
  const numbered = graph.output.filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => `'${name}'`);
  if (numbered.length === 0) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: null,
      message: `outputs have the numbers of the exporter for names: ${numbered.join(', ')}`,
      why: 'They change from one export to the next, and say nothing in logs and profiles.',
      fix: "Export with input_names=['images'] and output_names=['output'].",
    },
  ];
}

function checkUnused({ graph }: OnnxModel): Observation[] {
  const used = usedNames(graph);
  const idle = graph.node.filter(({ output }) => output.length > 0 && !output.some((name) => used.has(name)));
  const [first] = idle;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `the results of ${idle.length} nodes are taken by nobody`,
      why: 'Runtimes leave them out; the file is larger than it has to be.',
      fix: 'Return from the network what is needed alone.',
    },
  ];
}
