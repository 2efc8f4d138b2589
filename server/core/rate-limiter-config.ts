import { z } from 'zod';

/** The section `instance_group.rate_limiter` of a config.yaml. Names are Triton's. */

const resourceSchema = z.strictObject({
  name: z.string().min(1).describe('What models share that name it.'),
  global: z
    .boolean()
    .default(false)
    .describe(
      'true: there is one lot of it for all devices. false: each device has its own; a model on several devices takes of ' +
        'each of them.',
    ),
  count: z.int().min(1).default(1).describe('How much of it an execution takes.'),
});

export const rateLimiterSchema = z
  .strictObject({
    resources: z
      .array(resourceSchema)
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'expected each resource once')
      .default([])
      .describe('What an execution takes and gives back at its end.'),
    priority: z
      .int()
      .min(1)
      .max(65_536)
      .default(1)
      .describe(
        'Of models that wait for the same, one of priority 2 gets half as many executions as one of priority 1.',
      ),
  })
  .describe('Models that share a resource run in turn. Only where the server has --rate-limit execution_count.');

export type RateLimiterConfig = z.output<typeof rateLimiterSchema>;
