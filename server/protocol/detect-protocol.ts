import { detectParameters, readDetections } from '../core/detections.js';
import { ServingError } from '../core/errors.js';
import type { MaskFormat as CoreMaskFormat, TaskParameters } from '../core/inference.js';
import { TASKS_OF_REGIONS } from '../core/model-config.js';
import { MaskFormat, type DetectOptions, type DetectRequest, type DetectResponse } from '../gen/sluice/v1/inference.js';
import { DetectFinisher } from './detect-finisher.js';
import { requireFraction } from './frame-codec.js';
import { readRegions } from './region-codec.js';
import { attachFindings, writeStages } from './stage-codec.js';
import { toFrameError } from './client-error.js';
import type { StreamChoice, StreamProtocol } from './stream-protocol.js';

const MASK_FORMATS = new Map<MaskFormat, CoreMaskFormat>([
  [MaskFormat.MASK_FORMAT_UNSPECIFIED, 'run_lengths'],
  [MaskFormat.MASK_FORMAT_RUN_LENGTHS, 'run_lengths'],
  [MaskFormat.MASK_FORMAT_PNG, 'png'],
]);

interface DetectChoice extends StreamChoice {
  readonly options: DetectOptions | undefined;
  readonly maskFormat: CoreMaskFormat;
}

export const detectProtocol: StreamProtocol<DetectRequest, DetectResponse> = {
  call: 'Detect',
  kind: 'detect',

  hasOptions: (message) => message.options !== undefined,

  options({ options }): DetectChoice {
    if (options?.scoreThreshold !== undefined) requireFraction('score_threshold', options.scoreThreshold);
    if (options?.nmsThreshold !== undefined) requireFraction('nms_threshold', options.nmsThreshold);
    const maskFormat = MASK_FORMATS.get(options?.maskFormat ?? MaskFormat.MASK_FORMAT_UNSPECIFIED);
    if (maskFormat === undefined) {
      throw new ServingError(
        'INVALID_REQUEST',
        `mask_format ${options?.maskFormat} is not known; use RUN_LENGTHS or PNG`,
      );
    }
    return { stream: options?.stream, options, maskFormat };
  },

  frame: (message) => message.frame,

  parameters(message, choice, model): TaskParameters {
    const { options, maskFormat } = choice as DetectChoice;
    const regions = readRegions(message.regions);
    if (regions.length > 0 && !TASKS_OF_REGIONS.has(model.config.task)) {
      throw new ServingError(
        'INVALID_REQUEST',
        `task ${model.config.task} looks at the whole picture; send the frame without regions`,
      );
    }
    return detectParameters({ ...options, regions, maskFormat }, model.config);
  },

  respond(frame, answer): DetectResponse {
    const stages = answer?.stages ?? [];
    const detections = answer === null ? [] : readDetections(answer, stages[0]?.labels ?? answer.labels);
    // Of a request with regions, the rows are theirs.
    answer?.table.rowErrors?.forEach((error, row) => {
      if (error !== null) detections[row]!.error = toFrameError(error);
    });
    attachFindings(detections, stages);
    return { frame, detections, annotated: new Uint8Array(0), stages: writeStages(stages), unseenTracks: [] };
  },

  finisher: (choice, tools) => new DetectFinisher((choice as DetectChoice).options?.annotate ?? false, tools),
};
