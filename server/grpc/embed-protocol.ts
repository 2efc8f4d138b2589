import { ServingError } from '../core/errors.js';
import type { ResultTable, TaskParameters } from '../core/inference.js';
import type { Region as CoreRegion } from '../core/picture.js';
import type { EmbedRequest, EmbedResponse, Embedding, Region } from '../gen/sluice/v1/inference.js';
import { toFrameError } from './status.js';
import type { StreamProtocol } from './stream-protocol.js';

/** Most regions of one frame. */
const MAX_REGIONS = 1024;

export const embedProtocol: StreamProtocol<EmbedRequest, EmbedResponse> = {
  call: 'Embed',
  kind: 'embed',

  hasOptions: (message) => message.options !== undefined,

  options: (message) => ({ stream: message.options?.stream }),

  frame: (message) => message.frame,

  parameters(message): TaskParameters {
    if (message.regions.length > MAX_REGIONS) {
      throw new ServingError(
        'INVALID_REQUEST',
        `${message.regions.length} regions are more than ${MAX_REGIONS}; send the frame in parts`,
      );
    }
    return { kind: 'embed', regions: message.regions.map(readRegion) };
  },

  rows: (parameters) => (parameters.kind === 'embed' ? Math.max(1, parameters.regions.length) : 1),

  respond(frame, table): EmbedResponse {
    return { frame, embeddings: table === null ? [] : readEmbeddings(table) };
  },
};

/** Coordinates are looked at when the region is sampled, so that a bad one fails alone. */
function readRegion({ shape }: Region, index: number): CoreRegion {
  switch (shape?.$case) {
    case 'box':
      return { kind: 'box', ...shape.box };
    case 'landmarks': {
      const { leftEye, rightEye, nose, leftMouthCorner, rightMouthCorner } = shape.landmarks;
      const points = [leftEye, rightEye, nose, leftMouthCorner, rightMouthCorner].flatMap((point) => {
        if (point !== undefined) return [point.x, point.y];
        throw new ServingError('INVALID_REQUEST', `regions[${index}].landmarks lacks one of its five points`);
      });
      return { kind: 'landmarks', points };
    }
    case undefined:
      throw new ServingError('INVALID_REQUEST', `regions[${index}] has neither a box nor landmarks`);
  }
}

function readEmbeddings({ rows, columns, values, rowErrors }: ResultTable): Embedding[] {
  const embeddings: Embedding[] = [];
  for (let row = 0; row < rows; row++) {
    const error = rowErrors?.[row] ?? null;
    if (error === null) {
      const vector = values.subarray(row * columns, (row + 1) * columns);
      embeddings.push({ values: Array.from(vector), error: undefined });
    } else embeddings.push({ values: [], error: toFrameError(error) });
  }
  return embeddings;
}
