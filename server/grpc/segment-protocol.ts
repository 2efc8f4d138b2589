import type { SegmentedClass, SegmentOptions, SegmentRequest, SegmentResponse } from '../gen/sluice/v1/inference.js';
import type { Answer, StreamChoice, StreamProtocol } from './stream-protocol.js';

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
    const [classMap, probabilityMap] = answer?.table.attachments ?? [];
    return {
      frame,
      classMap: asFile(classMap),
      probabilityMap: asFile(probabilityMap),
      classes: answer === null ? [] : countedClasses(answer),
    };
  },
};

function asFile(map: Uint32Array | Uint8Array | undefined): Uint8Array {
  return map instanceof Uint8Array ? map : new Uint8Array(0);
}

/** The table has one row: the pixels of each class. */
function countedClasses({ table, labels }: Answer): SegmentedClass[] {
  return Array.from(table.values, (pixels, classId) => ({ classId, label: labels[classId] ?? '', pixels }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels || a.classId - b.classId);
}
