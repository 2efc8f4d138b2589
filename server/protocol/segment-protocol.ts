import { readSegmentation } from '../core/segmentations.js';
import type { SegmentOptions, SegmentRequest, SegmentResponse } from '../gen/sluice/v1/inference.js';
import type { StreamChoice, StreamProtocol } from './stream-protocol.js';

const NOTHING = new Uint8Array(0);

interface SegmentChoice extends StreamChoice {
  readonly options: SegmentOptions | undefined;
}

export const segmentProtocol: StreamProtocol<SegmentRequest, SegmentResponse> = {
  call: 'Segment',
  kind: 'segment',

  hasOptions: (message) => message.options !== undefined,

  options: ({ options }): SegmentChoice => ({ stream: options?.stream, options }),

  frame: (message) => message.frame,

  parameters: (_message, choice) => ({
    kind: 'segment',
    probabilityMap: (choice as SegmentChoice).options?.probabilityMap ?? false,
  }),

  respond(frame, answer): SegmentResponse {
    if (answer === null) return { frame, classMap: NOTHING, probabilityMap: NOTHING, classes: [] };
    return { frame, ...readSegmentation(answer.table, answer.labels) };
  },
};
