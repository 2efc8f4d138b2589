import { constantNumbers } from '../constants.js';
import type { OnnxModel } from '../graph.js';
import { faceHeads } from './face-heads.js';
import type { DoctorContext, Observation } from './finding.js';
import { placesOf } from './places.js';
import { isRefused } from './steps.js';

const about = { rule: 'R3', fixable: false } as const;

/** R3: targets of Reshape (and ends of Slice) that hold a batch or a size of the export; of a face detector's R20 tells. */
export function checkReshape(model: OnnxModel, context: DoctorContext): Observation[] {
  const heads = faceHeads(model, context)?.nodes ?? [];
  const findings = context.steps
    .filter(({ node }) => node.opType === 'Reshape' || node.opType === 'Slice')
    .filter(({ node, verdict }) => verdict.kind === 'refuse' || !heads.includes(node))
    .map(({ node, verdict }): Observation => {
      const fixable = verdict.kind === 'replace';
      return {
        ...about,
        severity: fixable ? 'warning' : 'error',
        node,
        message: fixable ? `it holds a batch or a size of the export: ${verdict.change}` : verdict.reason,
        why: 'A literal of the export holds for one batch and one size of the picture.',
        fix: 'In the network, put int() around every size, and -1 on the batch alone.',
        fixable,
      };
    });
  return [...findings, ...openElsewhere(model, context), ...innerLiterals(model)];
}

/** Targets with -1 somewhere else than on the batch: they work, and engines like them less. */
function openElsewhere(model: OnnxModel, context: DoctorContext): Observation[] {
  if (context.comparison === null || isRefused(context)) return [];
  const { exported, served } = context.comparison;
  return model.graph.node.flatMap((node): Observation[] => {
    const target = node.opType === 'Reshape' ? served[0].valueOf(node.input[1] ?? '')?.numbers : undefined;
    const [was, is] = [exported, served[0]].map(({ shapeOf }) => shapeOf(node.input[0] ?? ''));
    const isConstant = was !== null && JSON.stringify(was) === JSON.stringify(is);
    if (isConstant || (target?.indexOf(-1) ?? 0) <= 0) return [];
    return [
      {
        ...about,
        severity: 'info',
        node,
        message: `its target [${target?.join(', ')}] leaves a dim open that is not the batch`,
        why: 'With -1 on the batch and the others fixed, engines know every other size beforehand.',
        fix: 'In the network: view(-1, int(a), int(b)).',
      },
    ];
  });
}

/** Literal batches in graphs inside other nodes, which no rewriting reaches. */
function innerLiterals({ graph }: OnnxModel): Observation[] {
  return [...placesOf(graph)].flatMap(({ node, isInner }): Observation[] => {
    const target = isInner && node.opType === 'Reshape' ? constantNumbers(graph, node.input[1]) : null;
    if (target === null || (target[0] ?? 0) <= 0 || target.length < 2) return [];
    return [
      {
        ...about,
        severity: 'warning',
        node,
        message: `its target [${target.join(', ')}], inside another node, begins with a literal that may be a batch`,
        why: 'What is inside If, Loop and Scan is not rewritten: with other batches it may fail while it runs.',
        fix: 'In the network, put -1 on the batch, and leave decisions and loops out of what is exported.',
      },
    ];
  });
}
