import { z } from 'zod';

/** The section `annotate` of a config.yaml. */
export const annotateSchema = z
  .strictObject({
    quality: z.int().min(1).max(100).default(85).describe('Quality of the JPEG.'),
  })
  .describe('How frames are drawn where a request asks for it. Models that answer Detect.');

export type AnnotateConfig = z.output<typeof annotateSchema>;

/** What a model without the section has. */
export const DEFAULT_ANNOTATE: AnnotateConfig = annotateSchema.parse({});
