import type { ResultTable } from '../core/inference.js';
import type { EmbedRequest, EmbedResponse, Embedding } from '../gen/sluice/v1/inference.js';
import { readRegions } from './region-codec.js';
import { toFrameError } from './client-error.js';
import type { StreamProtocol } from './stream-protocol.js';

export const embedProtocol: StreamProtocol<EmbedRequest, EmbedResponse> = {
  call: 'Embed',
  kind: 'embed',

  hasOptions: (message) => message.options !== undefined,

  options: (message) => ({ stream: message.options?.stream }),

  frame: (message) => message.frame,

  parameters: (message) => ({ kind: 'embed', regions: readRegions(message.regions) }),

  respond: (frame, answer) => ({ frame, embeddings: answer === null ? [] : readEmbeddings(answer.table) }),
};

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
