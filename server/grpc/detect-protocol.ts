import type { ResultTable, TaskParameters } from '../core/inference.js';
import type { Model } from '../core/model.js';
import type { DetectOptions, DetectRequest, DetectResponse, Detection, Point } from '../gen/sluice/v1/inference.js';
import { requireFraction } from './frame-codec.js';
import type { StreamChoice, StreamProtocol } from './stream-protocol.js';

interface DetectChoice extends StreamChoice {
  readonly options: DetectOptions | undefined;
}

/** Columns of a detection before its landmarks: left top right bottom score class. */
const LANDMARKS_FROM = 6;

export const detectProtocol: StreamProtocol<DetectRequest, DetectResponse> = {
  call: 'Detect',
  kind: 'detect',

  hasOptions: (message) => message.options !== undefined,

  options({ options }): DetectChoice {
    if (options?.scoreThreshold !== undefined) requireFraction('score_threshold', options.scoreThreshold);
    if (options?.nmsThreshold !== undefined) requireFraction('nms_threshold', options.nmsThreshold);
    return { stream: options?.stream, options };
  },

  frame: (message) => message.frame,

  parameters(_message, choice, model): TaskParameters {
    const { options } = choice as DetectChoice;
    const defaults = model.config.postprocess;
    const asked = options?.maxDetections ?? 0;
    return {
      kind: 'detect',
      scoreThreshold: options?.scoreThreshold ?? defaults.score_threshold,
      nmsThreshold: options?.nmsThreshold ?? defaults.nms_threshold,
      classIds: options === undefined || options.classIds.length === 0 ? null : options.classIds,
      maxDetections: asked === 0 ? defaults.max_detections : Math.min(asked, defaults.max_detections),
    };
  },

  rows: () => 1,

  respond(frame, table, model): DetectResponse {
    return { frame, detections: table === null ? [] : readDetections(table, model) };
  },
};

function readDetections({ rows, columns, values }: ResultTable, model: Model | null): Detection[] {
  const detections: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    const at = (column: number) => values[row * columns + column] ?? 0;
    const landmarks: Point[] = [];
    for (let column = LANDMARKS_FROM; column + 1 < columns; column += 2) {
      landmarks.push({ x: at(column), y: at(column + 1) });
    }
    const classId = at(5);
    detections.push({
      box: { left: at(0), top: at(1), right: at(2), bottom: at(3) },
      score: at(4),
      classId,
      label: model?.labels[classId] ?? '',
      landmarks,
    });
  }
  return detections;
}
