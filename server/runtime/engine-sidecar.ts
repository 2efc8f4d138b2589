import { z } from 'zod';
import { engineFactsSchema } from './engine-key.js';

const fileSchema = z.object({ bytes: z.int().min(0), sha256: z.string() });

/** How far the plan agrees with the fp32 model. */
export const accuracySchema = z.object({
  /** 0 to 1. */
  agreement: z.number(),
  /** On how many pictures. */
  pictures: z.int(),
  /** What was measured, in words. */
  summary: z.string(),
});

export type AccuracyReport = z.output<typeof accuracySchema>;

/** The file beside each plan: what it was made from, and what it has to be to be the one that was written. */
export const sidecarSchema = z.object({
  facts: engineFactsSchema,
  plan: fileSchema,
  /** The ONNX file of a plan without weights. */
  weights: fileSchema.nullable(),
  /** Where it was built; the facts say no more of this than matters. */
  built: z.object({
    tensorrt: z.string(),
    gpu: z.string(),
    computeCapability: z.string(),
    /** When it was done, ISO 8601. */
    at: z.string(),
    seconds: z.number(),
  }),
  layers: z.int(),
  /** Device memory of one execution context, for each profile. */
  activationBytes: z.array(z.number()),
  /** Of INT8; null where nothing was measured. */
  accuracy: accuracySchema.nullable(),
});

export type EngineSidecar = z.output<typeof sidecarSchema>;
