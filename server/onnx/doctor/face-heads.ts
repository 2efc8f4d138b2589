import type { NodeProto } from '../../gen/onnx/onnx.js';
import type { Probe } from '../comparison.js';
import { attributeOf, nodeLabel, type OnnxModel } from '../graph.js';
import type { DoctorContext, Observation } from './finding.js';

const about = { rule: 'R20', node: null } as const;

const STRIDES = [8, 16, 32] as const;
const ANCHORS = 2;
/** Values a row of each head: box, score or scores, landmarks. */
const FAMILIES = { RetinaFace: [4, 2, 10], SCRFD: [4, 1, 10] } as const;

/** The nine Reshapes (three heads at three strides) that lay the maps of a face detector out as rows. */
export interface FaceHeads {
  readonly family: keyof typeof FAMILIES;
  readonly nodes: readonly NodeProto[];
  /** How the export sees them. */
  readonly exported: Probe;
}

/** Finds the heads by what they make of the exported picture: [batch, two anchors a cell, values], channels last before. */
export function faceHeads(model: OnnxModel, { comparison }: DoctorContext): FaceHeads | null {
  if (comparison === null) return null;
  const { exported } = comparison;
  const turned = new Set(model.graph.node.filter(isChannelsLast).flatMap(({ output }) => output));
  const rows = model.graph.node.filter(({ opType, input }) => opType === 'Reshape' && turned.has(input[0] ?? ''));
  const found = new Map<string, NodeProto>();
  for (const node of rows) {
    const [, cells, values, ...more] = exported.shapeOf(node.output[0] ?? '') ?? [];
    const stride = STRIDES.find((step) => cells === anchorsAt(step, exported));
    if (stride !== undefined && more.length === 0) found.set(`${values} at ${stride}`, node);
  }
  for (const [family, heads] of Object.entries(FAMILIES)) {
    const nodes = heads.flatMap((values) => STRIDES.map((stride) => found.get(`${values} at ${stride}`)));
    const all = nodes.filter((node) => node !== undefined);
    if (all.length === nodes.length) return { family: family as keyof typeof FAMILIES, nodes: all, exported };
  }
  return null;
}

function isChannelsLast(node: NodeProto): boolean {
  return node.opType === 'Transpose' && attributeOf(node, 'perm')?.ints.join() === '0,2,3,1';
}

function anchorsAt(stride: number, { width, height }: Probe): number {
  return ANCHORS * Math.ceil(width / stride) * Math.ceil(height / stride);
}

/** R20: targets of a face detector's heads that must follow the size of the picture. R3 tells of those that cannot. */
export function checkFaceHeads(model: OnnxModel, context: DoctorContext): Observation[] {
  const heads = faceHeads(model, context);
  if (heads === null) return [];
  const { family, nodes, exported } = heads;
  const changes = context.steps.flatMap(({ node, verdict }) =>
    verdict.kind === 'replace' && nodes.includes(node) ? [`${nodeLabel(node)} ${verdict.change}`] : [],
  );
  if (changes.length > 0) {
    return [
      {
        ...about,
        severity: 'warning',
        message: `${family}: ${changes.length} of its 9 head Reshapes hold the batch or size of the export: ${changes.join('; ')}`,
        why: 'They lay out two rows a cell, of which there are others at another size or batch.',
        fix: 'Export it at the size to be served, with permute(0, 2, 3, 1).reshape(-1, int(h * w * 2), k).',
        fixable: true,
      },
    ];
  }
  const isLiteral = nodes.some(({ input }) => (exported.valueOf(input[1] ?? '')?.numbers[1] ?? 0) > 0);
  if (!isLiteral) return [];
  return [
    {
      ...about,
      severity: 'info',
      message: `${family}: its 9 head Reshapes hold the size of the export, ${exported.width}x${exported.height}`,
      why: 'At this size they are right; for another one in config.yaml the server computes them anew.',
      fix: null,
      fixable: false,
    },
  ];
}
