import { bestClasses, classifyParameters } from '../core/classifications.js';
import { ServingError } from '../core/errors.js';
import type { Classification, ClassifyOptions, ClassifyRequest, ClassifyResponse } from '../gen/sluice/v1/inference.js';
import { requireFraction } from './frame-codec.js';
import { readRegions } from './region-codec.js';
import { toFrameError } from './client-error.js';
import type { Answer, StreamChoice, StreamProtocol } from './stream-protocol.js';

/** Most classes of a region that may be asked for. */
const MAX_TOP_K = 65_536;

interface ClassifyChoice extends StreamChoice {
  readonly options: ClassifyOptions | undefined;
}

export const classifyProtocol: StreamProtocol<ClassifyRequest, ClassifyResponse> = {
  call: 'Classify',
  kind: 'classify',

  hasOptions: (message) => message.options !== undefined,

  options({ options }): ClassifyChoice {
    if (options?.scoreThreshold !== undefined) requireFraction('score_threshold', options.scoreThreshold);
    if (options !== undefined && options.topK > MAX_TOP_K) {
      throw new ServingError('INVALID_REQUEST', `top_k is ${options.topK}; ${MAX_TOP_K} is the most`);
    }
    return { stream: options?.stream, options };
  },

  frame: (message) => message.frame,

  parameters: (message, choice, model) =>
    classifyParameters((choice as ClassifyChoice).options ?? {}, readRegions(message.regions), model.config),

  respond: (frame, answer) => ({ frame, classifications: answer === null ? [] : readClassifications(answer) }),
};

function readClassifications({ table, parameters, labels }: Answer): Classification[] {
  if (parameters.kind !== 'classify') throw new Error('a classification was asked for otherwise');
  return Array.from({ length: table.rows }, (_, row) => {
    const error = table.rowErrors?.[row] ?? null;
    if (error !== null) return { classes: [], error: toFrameError(error) };
    const scores = table.values.subarray(row * table.columns, (row + 1) * table.columns);
    return { classes: bestClasses(scores, parameters, labels), error: undefined };
  });
}
