import { ServingError } from '../errors.js';
import type { DetectionLayout } from '../inference.js';
import { TASK_INPUTS, TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig, type TaskName } from '../model-config.js';
import { COCO_POINTS, FALL_POINTS } from './fall-points.js';
import type { StageConfig } from './pipeline-config.js';

/** What of a model decides whether it can be a stage. */
export interface StageModel {
  readonly name: string;
  readonly config: Pick<ModelConfig, 'task' | 'preprocess'>;
  readonly layout: DetectionLayout | null;
}

/** Tasks whose detections have outlines. */
const WITH_MASKS: ReadonlySet<TaskName> = new Set<TaskName>(['yolov8_seg']);

/** Points that a face has for alignment. */
const FACE_POINTS = 5;

/** Why a model cannot be the first stage; null: it can. */
export function whyNotFirst({ tiles }: StageConfig, { name, config, layout }: StageModel): string | null {
  if (TASK_KINDS[config.task] !== 'detect' || TASKS_OF_REGIONS.has(config.task)) {
    return `model ${name} has the task ${config.task}; the stage that looks at the frame needs a detector`;
  }
  if (config.task === 'pipeline') return `model ${name} is a pipeline itself; name its models instead`;
  const shapes = layout?.rotated === true ? 'turned boxes' : WITH_MASKS.has(config.task) ? 'masks' : null;
  if (tiles?.merge === 'nmm' && shapes !== null) {
    return `model ${name} finds ${shapes}, which tiles.merge nmm cannot unite; write nms`;
  }
  return null;
}

/** Why a model cannot be a later stage, given what detections of its input have; null: it can. */
export function whyNotLater(
  { regions = 'box', input }: StageConfig,
  { name, config }: StageModel,
  found: DetectionLayout | null,
): string | null {
  const { task } = config;
  if (task === 'pipeline') return `model ${name} is a pipeline itself; name its models instead`;
  if (found === null) return `stage ${input} finds nothing that could be looked at: name a stage that detects`;
  if (TASK_INPUTS[task] === 'points') {
    const poses = found.points === FALL_POINTS || found.points === COCO_POINTS;
    if (poses && found.pointValues === 3) return null;
    return (
      `model ${name} reads ${FALL_POINTS} key points with scores, or makes them of COCO's ${COCO_POINTS}; ` +
      `stage ${input} tells ${pointsOf(found)}`
    );
  }
  if (TASK_INPUTS[task] !== 'picture') return `model ${name} has the task ${task}, which does not look at pictures`;
  const kind = TASK_KINDS[task];
  if (kind === 'segment' || (kind === 'detect' && !TASKS_OF_REGIONS.has(task))) {
    return `model ${name} has the task ${task}, which looks at whole pictures; a later stage looks at one object at a time`;
  }
  if (regions === 'box') return null;
  if (found.points !== FACE_POINTS) return `regions is landmarks; stage ${input} tells ${pointsOf(found)}, not five`;
  if (config.preprocess.alignment !== undefined) return null;
  return `regions is landmarks, and model ${name} has no preprocess.alignment to bring them to; set it, or write box`;
}

function pointsOf({ points, pointValues }: DetectionLayout): string {
  if (points === 0) return 'no points';
  return `${points} points ${pointValues === 3 ? 'with' : 'without'} scores`;
}

/** What a stage is refused with: the same at load and, after a reload of its model, for each frame. */
export function refusal(stage: StageConfig, why: string): ServingError {
  return new ServingError('MODEL_INVALID', `stage ${stage.name}: ${why}`);
}
