import type { Detection, Point } from '../gen/sluice/v1/inference.js';
import type { DetectParameters, ResultTable } from './inference.js';
import type { ModelConfig } from './model-config.js';

/** Columns of a detection that every layout has: left top right bottom score class. */
const BOX_COLUMNS = 6;

/** x y width height angle. */
const ROTATED_COLUMNS = 5;

/** What is asked of a detector where the model's defaults are not wanted; undefined: the default. */
export interface DetectChoices {
  readonly scoreThreshold?: number | undefined;
  readonly nmsThreshold?: number | undefined;
  /** Empty: all classes. */
  readonly classIds?: readonly number[] | undefined;
  /** 0: the default. No more than the model's own limit is given. */
  readonly maxDetections?: number | undefined;
}

/** The parameters of a request, completed from the model's configuration. */
export function detectParameters(asked: DetectChoices, { postprocess }: ModelConfig): DetectParameters {
  const { classIds = [], maxDetections: most = 0 } = asked;
  return {
    kind: 'detect',
    scoreThreshold: asked.scoreThreshold ?? postprocess.score_threshold,
    nmsThreshold: asked.nmsThreshold ?? postprocess.nms_threshold,
    classIds: classIds.length === 0 ? null : classIds,
    maxDetections: most === 0 ? postprocess.max_detections : Math.min(most, postprocess.max_detections),
  };
}

/** The rows of a detector's table as the protocol has them. */
export function readDetections({ rows, columns, layout, values }: ResultTable, labels: readonly string[]): Detection[] {
  const { rotated = false, points = 0, pointValues = 2 } = layout ?? {};
  const pointsFrom = BOX_COLUMNS + (rotated ? ROTATED_COLUMNS : 0);
  return Array.from({ length: rows }, (_, row) => {
    const at = (column: number) => values[row * columns + column] ?? 0;
    const landmarks: Point[] = [];
    for (let point = 0; point < points; point++) {
      const column = pointsFrom + point * pointValues;
      landmarks.push({ x: at(column), y: at(column + 1) });
    }
    const classId = at(5);
    return {
      box: { left: at(0), top: at(1), right: at(2), bottom: at(3) },
      score: at(4),
      classId,
      label: labels[classId] ?? '',
      landmarks,
    };
  });
}
