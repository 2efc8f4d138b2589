import { compareSizes } from '../comparison.js';
import { nodeLabel, type OnnxModel } from '../graph.js';
import { faceHeads } from './face-heads.js';
import type { DoctorContext, Finding } from './finding.js';
import { isRefused } from './steps.js';

const about = { rule: 'R3', fixable: false } as const;

/** R3: targets of Reshape (and ends of Slice) that hold a batch or a size of the export; of a face detector's R20 tells. */
export function checkReshape(model: OnnxModel, context: DoctorContext): Finding[] {
  const heads = faceHeads(model, context)?.nodes ?? [];
  const findings = context.steps
    .filter(({ node }) => node.opType === 'Reshape' || node.opType === 'Slice')
    .filter(({ node, verdict }) => verdict.kind === 'refuse' || !heads.includes(node))
    .map(({ node, verdict }): Finding => {
      const fixable = verdict.kind === 'replace';
      return {
        ...about,
        severity: fixable ? 'warning' : 'error',
        node: nodeLabel(node),
        message: fixable ? `it holds a batch or a size of the export: ${verdict.change}` : verdict.reason,
        why: 'A literal of the export holds for one batch and one size of the picture.',
        fix: 'In the network, put int() around every size, and -1 on the batch alone.',
        fixable,
      };
    });
  return [...findings, ...openElsewhere(model, context)];
}

/** Targets with -1 somewhere else than on the batch: they work, and engines like them less. */
function openElsewhere(model: OnnxModel, context: DoctorContext): Finding[] {
  const { size, picture } = context;
  if (size === null || picture === null || isRefused(context)) return [];
  const { exported, served } = compareSizes(model, picture, size);
  return model.graph.node.flatMap((node): Finding[] => {
    const target = node.opType === 'Reshape' ? served[0].valueOf(node.input[1] ?? '')?.numbers : undefined;
    const [was, is] = [exported, served[0]].map(({ shapeOf }) => shapeOf(node.input[0] ?? ''));
    const isConstant = was !== null && JSON.stringify(was) === JSON.stringify(is);
    if (isConstant || (target?.indexOf(-1) ?? 0) <= 0) return [];
    return [
      {
        ...about,
        severity: 'info',
        node: nodeLabel(node),
        message: `its target [${target?.join(', ')}] leaves a dim open that is not the batch`,
        why: 'With -1 on the batch and the others fixed, engines know every other size beforehand.',
        fix: 'In the network: view(-1, int(a), int(b)).',
      },
    ];
  });
}
