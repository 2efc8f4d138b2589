import type { NodeProto } from '../../gen/onnx/onnx.js';
import { attributeOf, opsetOf, type OnnxModel } from '../graph.js';
import { OLDEST_OPSET } from '../rewrite.js';
import type { Observation } from './finding.js';

/** The newest that the ONNX Runtime of this server reads. */
export const NEWEST_OPSET = 26;
export const NEWEST_IR_VERSION = 13;
/** What exporters and TensorRT agree on best begins here. */
const GOOD_OPSET = 11;
const PER_CHANNEL_OPSET = 13;
export const LAYER_NORM_OPSET = 17;

const about = { rule: 'R5', node: null, fixable: false } as const;

/** R5: versions of the operators and of the file that the runtimes read, and operators that older sets lack. */
export function checkOpset(model: OnnxModel): Observation[] {
  const opset = opsetOf(model);
  const findings: Observation[] = [];
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    findings.push({
      ...about,
      severity: 'error',
      message: `opset ${opset} is outside ${OLDEST_OPSET} to ${NEWEST_OPSET}`,
      why: 'ONNX Runtime does not read it.',
      fix: `Export with opset_version=${LAYER_NORM_OPSET}.`,
    });
  } else if (opset < GOOD_OPSET) {
    findings.push({
      ...about,
      severity: 'warning',
      message: `opset ${opset} is older than ${GOOD_OPSET}`,
      why: 'Resizing was defined anew in 11; what is older is read in different ways by different runtimes.',
      fix: `Export with opset_version=${GOOD_OPSET} or newer.`,
    });
  }
  if (model.irVersion > NEWEST_IR_VERSION || model.irVersion < 3n) {
    findings.push({
      ...about,
      severity: 'error',
      message: `ir_version ${model.irVersion} is outside 3 to ${NEWEST_IR_VERSION}`,
      why: 'ONNX Runtime does not read such files.',
      fix: 'Export with another release of the exporter.',
    });
  }
  if (opset < PER_CHANNEL_OPSET) findings.push(...perChannelQuantization(model));
  if (opset < LAYER_NORM_OPSET) findings.push(...spelledLayerNorm(model));
  return findings;
}

/** Before 13 a scale for each channel was not part of QuantizeLinear. */
function perChannelQuantization({ graph }: OnnxModel): Observation[] {
  return graph.node
    .filter((node) => node.opType.endsWith('QuantizeLinear') && attributeOf(node, 'axis') !== undefined)
    .map((node) => ({
      ...about,
      severity: 'error' as const,
      node,
      message: 'it quantises by channel, which its opset does not have',
      why: 'Runtimes refuse it or take one scale for all channels.',
      fix: `Export with opset_version=${PER_CHANNEL_OPSET} or newer.`,
    }));
}

function spelledLayerNorm(model: OnnxModel): Observation[] {
  const norms = decomposedLayerNorms(model);
  const [first] = norms;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `${norms.length} layer normalisations are spelled out operator by operator`,
      why: 'In half precision the squares overflow; as one operator they are computed safely, and faster.',
      fix: `Export with opset_version=${LAYER_NORM_OPSET} or newer.`,
    },
  ];
}

/** The divisions of (x - mean(x)) / sqrt(mean((x - mean(x))^2) + e), operator by operator. */
export function decomposedLayerNorms({ graph }: OnnxModel): NodeProto[] {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const by = (name: string | undefined, opType: string): NodeProto | undefined => {
    const producer = producers.get(name ?? '');
    return producer?.opType === opType ? producer : undefined;
  };
  return graph.node.filter((node) => {
    const centred = node.opType === 'Div' ? by(node.input[0], 'Sub') : undefined;
    const sum = by(by(node.input[1], 'Sqrt')?.input[0], 'Add');
    const variance = by(sum?.input[0], 'ReduceMean') ?? by(sum?.input[1], 'ReduceMean');
    return centred !== undefined && variance !== undefined && by(centred.input[1], 'ReduceMean') !== undefined;
  });
}
