import type { Detection, KeyPoint, Mask, RotatedBox } from '../gen/sluice/v1/inference.js';
import type {
  Attachment,
  DetectChoices,
  DetectionLayout,
  DetectParameters,
  InferenceResult,
  ResultTable,
} from './inference.js';
import type { ModelConfig } from './model-config.js';

/** Columns of a detection that every layout has: left top right bottom score class. */
const BOX_COLUMNS = 6;

/** x y width height angle. */
const ROTATED_COLUMNS = 5;

export type { DetectChoices };

/** The parameters of a request, completed from the model's configuration. */
export function detectParameters(asked: DetectChoices, { task, postprocess }: ModelConfig): DetectParameters {
  const { classIds = [], maxDetections: most = 0 } = asked;
  return {
    kind: 'detect',
    scoreThreshold: asked.scoreThreshold ?? postprocess.score_threshold,
    nmsThreshold: asked.nmsThreshold ?? postprocess.nms_threshold,
    classIds: classIds.length === 0 ? null : classIds,
    maxDetections: most === 0 ? postprocess.max_detections : Math.min(most, postprocess.max_detections),
    regions: asked.regions ?? [],
    maskFormat: asked.maskFormat ?? 'run_lengths',
    ...(task === 'pipeline' ? { asked } : {}),
  };
}

/** What readDetections needs of a result: the table, and the size of the picture, which masks repeat. */
export type Detections = Pick<InferenceResult, 'width' | 'height'> & { readonly table: ResultTable };

/** The rows of a detector's table as the protocol has them. */
export function readDetections({ table, width, height }: Detections, labels: readonly string[]): Detection[] {
  const layout = table.layout ?? { rotated: false, points: 0, pointValues: 2, values: 0 };
  return Array.from({ length: table.rows }, (_, row) => {
    const values = table.values.subarray(row * table.columns, (row + 1) * table.columns);
    const [left = 0, top = 0, right = 0, bottom = 0, score = 0, classId = 0] = values;
    const attachment = table.attachments[row];
    return {
      box: { left, top, right, bottom },
      score,
      classId,
      label: labels[classId] ?? '',
      landmarks: layout.pointValues === 2 ? pointsOf(values, layout).map(({ x, y }) => ({ x, y })) : [],
      keyPoints: layout.pointValues === 3 ? pointsOf(values, layout) : [],
      rotatedBox: layout.rotated ? rotatedBoxOf(values) : undefined,
      mask: attachment === undefined ? undefined : maskOf(attachment, width, height),
      track: undefined,
      embedding: undefined,
      classification: undefined,
      error: undefined,
    };
  });
}

function rotatedBoxOf(values: Float32Array): RotatedBox {
  const [x = 0, y = 0, width = 0, height = 0, angle = 0] = values.subarray(BOX_COLUMNS);
  return { center: { x, y }, width, height, angle };
}

/** Points with their scores, where the layout has them. */
function pointsOf(values: Float32Array, { rotated, points, pointValues }: DetectionLayout): KeyPoint[] {
  const from = BOX_COLUMNS + (rotated ? ROTATED_COLUMNS : 0);
  return Array.from({ length: points }, (_, index) => {
    const [x = 0, y = 0, score = 0] = values.subarray(from + index * pointValues, from + (index + 1) * pointValues);
    return { x, y, score };
  });
}

function maskOf(attachment: Attachment, width: number, height: number): Mask {
  if (attachment instanceof Uint8Array) return { width, height, data: { $case: 'png', png: attachment } };
  return { width, height, data: { $case: 'runLengths', runLengths: { counts: Array.from(attachment) } } };
}
