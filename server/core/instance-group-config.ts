import { z } from 'zod';
import { rateLimiterSchema } from './rate-limiter-config.js';

/** The section `instance_group` of a config.yaml: what runs a model, and where. */

const count = (description: string) => z.int().min(1).describe(description);

export const instanceGroupSchema = z
  .strictObject({
    count: count(
      'Instances on each GPU, or on the CPU: executions that run at once, each in its worker thread; default: 4 on each ' +
        'GPU; on the CPU one a core, at most 4.',
    )
      .max(256)
      .optional(),
    kind: z
      .enum(['KIND_AUTO', 'KIND_CPU', 'KIND_GPU'])
      .default('KIND_AUTO')
      .describe(
        'Where the instances run. KIND_AUTO: on GPUs where there are any, else on the CPU, as are models of task tensors that TensorRT does not take.',
      ),
    gpus: z
      .array(z.int().min(0).max(255))
      .min(1)
      .refine((gpus) => new Set(gpus).size === gpus.length, 'expected each GPU once')
      .optional()
      .describe('Indices of the GPUs to use; default: all that CUDA shows.'),
    intra_op_thread_count: count('Threads of one CPU instance; default: the cores split among the instances.')
      .max(1024)
      .optional(),
    execution_timeout_milliseconds: count(
      'A batch that runs longer than this counts as hung: its requests fail, and the instance is replaced.',
    ).default(30000),
    rate_limiter: rateLimiterSchema.prefault({}),
  })
  .describe('The instances of the model.');
