import type { NodeProto } from '../../gen/onnx/onnx.js';
import { constantNumbers } from '../constants.js';
import type { OnnxModel } from '../graph.js';
import type { Observation } from './finding.js';
import { allNodes } from './places.js';

const about = { rule: 'R9', fixable: false } as const;

/** Plugins of TensorRT that suppress boxes, and whether its newest release still has them. */
const SUPPRESSORS: ReadonlyMap<string, 'deprecated' | 'removed'> = new Map([
  ['EfficientNMS_TRT', 'deprecated'],
  ['EfficientNMS_ONNX_TRT', 'deprecated'],
  ['EfficientNMS_Implicit_TF_TRT', 'deprecated'],
  ['EfficientNMS_Explicit_TF_TRT', 'deprecated'],
  ['EfficientRotatedNMS_TRT', 'deprecated'],
  ['EfficientIdxNMS_TRT', 'deprecated'],
  ['BatchedNMS_TRT', 'removed'],
  ['BatchedNMSDynamic_TRT', 'removed'],
  ['NMS_TRT', 'removed'],
  ['NMSDynamic_TRT', 'removed'],
]);
/** Standard operators whose result has a size that only running them tells. */
const OPEN_ENDED: ReadonlySet<string> = new Set(['NonZero', 'NonMaxSuppression', 'Unique', 'Compress']);
const CONTROL: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);

/** R9: suppression of boxes inside the graph, and what else makes shapes or the course of the run depend on the data. */
export function checkDataDependent(model: OnnxModel): Observation[] {
  return allNodes(model.graph).flatMap((node) => suppressor(node) ?? openEnded(node, model) ?? []);
}

function suppressor(node: NodeProto): Observation[] | null {
  const state = SUPPRESSORS.get(node.opType);
  if (state === undefined) return null;
  const isGone = state === 'removed';
  return [
    {
      ...about,
      severity: isGone ? 'error' : 'warning',
      node,
      message: isGone
        ? 'it is a plugin for suppressing boxes that TensorRT no longer has'
        : 'it suppresses boxes with a plugin of TensorRT, deprecated since 10.12',
      why: isGone
        ? 'Neither TensorRT nor ONNX Runtime runs it.'
        : 'ONNX Runtime does not run it, so the model has no twin on the CPU, and thresholds are fixed in the file.',
      fix: 'Export without suppression: the server suppresses, with the thresholds of each request.',
    },
  ];
}

function openEnded(node: NodeProto, model: OnnxModel): Observation[] | null {
  const isTopK =
    node.opType === 'TopK' && (node.input[1] ?? '') !== '' && constantNumbers(model.graph, node.input[1]) === null;
  if (!OPEN_ENDED.has(node.opType) && !CONTROL.has(node.opType) && !isTopK) return null;
  const reason = CONTROL.has(node.opType)
    ? 'what runs depends on the data'
    : isTopK
      ? 'how many it keeps is computed while the model runs'
      : 'the size of its result depends on the data';
  return [
    {
      ...about,
      severity: 'warning',
      node,
      message: reason,
      why: 'No CUDA graph can be recorded of it, and memory for its result can only be had while it runs.',
      fix:
        node.opType === 'NonMaxSuppression'
          ? 'Export without suppression: the server suppresses, with the thresholds of each request.'
          : 'Export the network without it: a fixed number of results, and no decisions inside.',
    },
  ];
}
