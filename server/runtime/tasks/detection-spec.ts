import type { ModelConfig } from '../../core/model-config.js';
import type { DetectionSpec } from '../native.js';

/** What a configuration and its labels file, of so many lines, say of a detector's outputs. */
export function detectionSpec({ task, input, postprocess }: ModelConfig, labels: number): DetectionSpec {
  return {
    task,
    width: input.width,
    height: input.height,
    strides: postprocess.strides ?? [],
    anchors: postprocess.anchors ?? [],
    keyPoints: postprocess.key_points ?? 0,
    logits: postprocess.score_activation === 'sigmoid',
    labels,
    nmsRule: postprocess.nms_rule,
    classAgnostic: postprocess.class_agnostic,
    maxDetections: postprocess.max_detections,
  };
}
