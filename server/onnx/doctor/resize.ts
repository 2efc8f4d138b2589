import type { NodeProto } from '../../gen/onnx/onnx.js';
import { constantNumbers } from '../constants.js';
import { attributeOf, opsetOf, type OnnxModel } from '../graph.js';
import type { DoctorContext, Observation } from './finding.js';
import { allNodes } from './places.js';

const about = { rule: 'R2', fixable: false } as const;
/** From this opset on Resize has a region of interest before its scales. */
const REGION_OPSET = 11;

/** R2: resizing by constant scales of height and width, in ways that all runtimes agree on. */
export function checkResize(model: OnnxModel, context: DoctorContext): Observation[] {
  const steps = new Map(context.steps.map(({ node, verdict }) => [node, verdict]));
  return allNodes(model.graph).flatMap((node): Observation[] => {
    if (node.opType === 'Upsample') return [upsample(node)];
    if (node.opType !== 'Resize') return [];
    const verdict = steps.get(node);
    const findings = [...checkScales(node, model), ...checkModes(node)];
    if (verdict?.kind === 'replace') {
      findings.push({
        ...about,
        severity: 'warning',
        node,
        message: `it resizes to sizes of the export: ${verdict.change}`,
        why: 'Literal sizes hold for one batch and one size of the picture.',
        fix: 'Export interpolate with scale_factor instead of size.',
        fixable: true,
      });
    } else if (verdict?.kind === 'refuse') {
      findings.push({
        ...about,
        severity: 'error',
        node,
        message: verdict.reason,
        why: 'It gives the size of the export whatever comes in.',
        fix: 'Export interpolate with scale_factor instead of size.',
      });
    } else if (hasComputedSizes(node, model)) {
      findings.push({
        ...about,
        severity: 'warning',
        node,
        message: 'it resizes to sizes that are computed while the model runs',
        why: 'Engines have to plan for every size, and TensorRT may refuse it.',
        fix: 'Export interpolate with scale_factor instead of size, or with sizes that went through int().',
      });
    }
    return findings;
  });
}

function upsample(node: NodeProto): Observation {
  return {
    ...about,
    severity: 'warning',
    node,
    message: 'Upsample was withdrawn from ONNX in opset 10',
    why: 'Newer runtimes and TensorRT know Resize alone.',
    fix: `Export with opset_version=${REGION_OPSET} or newer.`,
  };
}

function checkScales(node: NodeProto, model: OnnxModel): Observation[] {
  const scales = constantNumbers(model.graph, node.input[opsetOf(model) >= REGION_OPSET ? 2 : 1]);
  if (scales === null || scales.length === 0) return [];
  if (attributeOf(node, 'axes') !== undefined || (scales.length === 4 && scales[0] === 1 && scales[1] === 1)) return [];
  return [
    {
      ...about,
      severity: 'error',
      node,
      message: `its scales [${scales.join(', ')}] are not 1, 1 and those of height and width`,
      why: 'Pictures are resized in height and width; anything else mixes pictures or channels.',
      fix: 'Export interpolate on [batch, channels, height, width] with a scale_factor of two numbers.',
    },
  ];
}

function checkModes(node: NodeProto): Observation[] {
  const text = (name: string) => new TextDecoder().decode(attributeOf(node, name)?.s);
  const odd = [
    ['mode', 'cubic'],
    ['coordinate_transformation_mode', 'tf_crop_and_resize'],
  ].filter(([name = '', value]) => text(name) === value);
  return odd.map(([name, value]) => ({
    ...about,
    severity: 'warning' as const,
    node,
    message: `its ${name} is ${value}`,
    why: 'Runtimes differ in it, and TensorRT does not take it in every release.',
    fix: 'Use linear or nearest in the network.',
  }));
}

function hasComputedSizes(node: NodeProto, model: OnnxModel): boolean {
  const sizes = node.input[3] ?? '';
  return sizes !== '' && constantNumbers(model.graph, sizes) === null;
}
