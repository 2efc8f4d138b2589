import { z } from 'zod';

/** The section `response_cache` of a config.yaml: whether answers are kept. Names are Triton's. */

export const responseCacheSchema = z
  .strictObject({
    enable: z
      .boolean()
      .default(false)
      .describe(
        'Keeps answers, and gives them again to equal requests: the same picture, text or tensors, and the same options. ' +
          'Only where the server has --response-cache-bytes. Frames whose pictures are kept, to be drawn on or for the ' +
          'later stages of a pipeline, are always computed.',
      ),
  })
  .describe('Whether the answers of the model are kept.');
