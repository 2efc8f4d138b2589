import { detectParameters, readDetections } from '../core/detections.js';
import type { TaskParameters } from '../core/inference.js';
import type { DetectOptions, DetectRequest, DetectResponse } from '../gen/sluice/v1/inference.js';
import { requireFraction } from './frame-codec.js';
import type { StreamChoice, StreamProtocol } from './stream-protocol.js';

interface DetectChoice extends StreamChoice {
  readonly options: DetectOptions | undefined;
}

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
    return detectParameters((choice as DetectChoice).options ?? {}, model.config);
  },

  rows: () => 1,

  respond(frame, table, model): DetectResponse {
    return { frame, detections: table === null ? [] : readDetections(table, model?.labels ?? []) };
  },
};
