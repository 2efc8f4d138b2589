import type { ClassScore } from '../gen/sluice/v1/inference.js';
import type { ClassifyParameters } from './inference.js';
import type { ModelConfig } from './model-config.js';
import type { Region } from './picture.js';

/** What is asked of a classifier where the model's defaults are not wanted; undefined: the default. */
export interface ClassifyChoices {
  /** 0: the default. */
  readonly topK?: number | undefined;
  readonly scoreThreshold?: number | undefined;
}

/** The parameters of a request, completed from the model's configuration. */
export function classifyParameters(
  { topK = 0, scoreThreshold }: ClassifyChoices,
  regions: readonly Region[],
  { postprocess }: ModelConfig,
): ClassifyParameters {
  return {
    kind: 'classify',
    regions,
    topK: topK === 0 ? postprocess.top_k : topK,
    scoreThreshold: scoreThreshold ?? postprocess.score_threshold,
  };
}

/** The best of `scores`, one a class: those over the threshold, at most `topK`, equal ones by class. */
export function bestClasses(
  scores: Float32Array,
  { topK, scoreThreshold }: Pick<ClassifyParameters, 'topK' | 'scoreThreshold'>,
  labels: readonly string[],
): ClassScore[] {
  const over: ClassScore[] = [];
  scores.forEach((score, classId) => {
    if (score > scoreThreshold) over.push({ classId, label: labels[classId] ?? '', score });
  });
  return over.sort((a, b) => b.score - a.score || a.classId - b.classId).slice(0, topK);
}
