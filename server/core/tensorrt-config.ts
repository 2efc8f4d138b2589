import { z } from 'zod';

/** The section `tensorrt` of a config.yaml: how plans for GPUs are built and run. */

const sizeRangeSchema = z
  .strictObject({
    min: z.int().min(1).describe('Smallest.'),
    opt: z.int().min(1).describe('The one to be fastest at.'),
    max: z.int().min(1).describe('Largest.'),
  })
  .refine(({ min, opt, max }) => min <= opt && opt <= max, 'expected min <= opt <= max');

const sizes = (description: string) => z.array(z.int().min(1)).max(8).describe(description);

const inputRangeSchema = z
  .strictObject({
    min: sizes('Smallest.'),
    opt: sizes('The ones to be fastest at.'),
    max: sizes('Largest.'),
  })
  .refine(
    ({ min, opt, max }) =>
      min.length === opt.length &&
      opt.length === max.length &&
      opt.every((size, axis) => min[axis]! <= size && size <= max[axis]!),
    'expected as many sizes in each, and min <= opt <= max',
  );

const profileSchema = z.strictObject({
  batch: sizeRangeSchema
    .optional()
    .describe('Rows of a batch; default: 1 to `max_batch_size`, fastest at `max_batch_size`.'),
  height: sizeRangeSchema
    .optional()
    .describe('Heights of the network input, where the model file leaves its height open; default: that of `input`.'),
  width: sizeRangeSchema
    .optional()
    .describe('Widths of the network input, where the model file leaves its width open; default: that of `input`.'),
  inputs: z
    .record(z.string(), inputRangeSchema)
    .optional()
    .describe(
      'Task tensors: sizes of each input, by its name and without the batch dimension. Needed for inputs with other open ' +
        'dims than that.',
    ),
});

const calibrationSchema = z
  .strictObject({
    directory: z
      .string()
      .min(1)
      .describe('Directory of pictures such as the model will meet: relative to the model directory, or absolute.'),
    algorithm: z
      .enum(['entropy', 'minmax'])
      .default('entropy')
      .describe('How ranges are found. entropy: outliers may be cut off. minmax: everything seen is inside.'),
    batch_size: z.int().min(1).max(1024).default(8).describe('Pictures that are run at once to find the ranges.'),
    max_pictures: z
      .int()
      .min(1)
      .max(100_000)
      .default(500)
      .describe('Most pictures that are used; more are thinned out evenly.'),
    held_back: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.1)
      .describe('Share of the pictures that is kept for the accuracy report instead.'),
    accuracy_floor: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Least agreement with the fp32 model, on the pictures held back, for the plan to be served; 0: only report it.',
      ),
  })
  .describe('Pictures that the ranges of INT8 come from.');

export const tensorrtSchema = z
  .strictObject({
    precision: z
      .enum(['fp32', 'fp16', 'int8', 'strongly_typed'])
      .default('fp16')
      .describe(
        'What layers may compute in. fp16: half precision where it is faster. int8: also 8-bit integers, with ranges ' +
          "from `calibration` or from the file's own Q/DQ nodes. strongly_typed: the types that the file says.",
      ),
    tf32: z.boolean().default(true).describe('Lets layers in fp32 round their inputs to 10 bits: TF32.'),
    profiles: z
      .array(profileSchema)
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Ranges of sizes that the plan is tuned for, one after the other; together they take every batch from 1 to ' +
          '`max_batch_size`. Default: one from 1 to `max_batch_size`, fastest at `max_batch_size`.',
      ),
    optimization_level: z
      .int()
      .min(0)
      .max(5)
      .default(3)
      .describe('How long to look for fast kernels: 0 builds soonest, 5 may run fastest.'),
    workspace_bytes: z
      .int()
      .min(1_048_576)
      .optional()
      .describe('Most device memory that a layer may take for itself; default: as much as there is.'),
    aux_streams: z
      .int()
      .min(0)
      .max(16)
      .optional()
      .describe('CUDA streams beside its own that an execution may spread over; default: TensorRT decides.'),
    version_compatible: z
      .boolean()
      .default(false)
      .describe('Builds a plan that later TensorRT versions of the same major version load too. May be slower.'),
    strip_weights: z
      .boolean()
      .default(false)
      .describe('Leaves the weights out of the plan: they come from the model file whenever it is loaded.'),
    refit: z.boolean().default(false).describe('Builds a plan whose weights can be exchanged. May be slower.'),
    hardware_compatibility: z
      .enum(['none', 'ampere_plus', 'same_compute_capability'])
      .default('none')
      .describe(
        'GPUs that share a plan. none: those of the same name. same_compute_capability: those of the same generation. ' +
          'ampere_plus: all from Ampere on. May be slower.',
      ),
    plugins: z
      .array(z.string().regex(/\.so(\.\d+)*$/, 'must be the path of a shared library (.so)'))
      .default([])
      .describe('Libraries with operators of your own: relative to the model directory, or absolute.'),
    cuda_graphs: z
      .boolean()
      .default(true)
      .describe(
        'Records the kernels of a batch size once and starts them together from then on. Not those of task tensors.',
      ),
    execution_contexts: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe(
        'Sets of activation memory that the instances on a GPU share. Two let executions overlap; more seldom gain ' +
          'anything.',
      ),
    while_building: z
      .enum(['wait', 'cpu'])
      .default('wait')
      .describe(
        'Until the plan is built. wait: the version is LOADING. cpu: it is served on the CPU, and moves to the GPU ' +
          'when the plan is there.',
      ),
    calibration: calibrationSchema
      .optional()
      .describe('Pictures that the ranges of INT8 come from. Required for int8, unless the file has Q/DQ nodes.'),
  })
  .describe('How the model runs on GPUs. Plans are built when a version is first loaded, or by `sluice build`.');

export type TensorRtConfig = z.output<typeof tensorrtSchema>;

interface Profiled {
  readonly task: string;
  readonly max_batch_size: number;
  /** Left out where the model takes no pictures. */
  readonly input?: { readonly width: number; readonly height: number } | undefined;
  readonly tensorrt: TensorRtConfig;
}

/** What is wrong with profiles that are right one by one: a path and a message for each problem. */
export function profileProblems({ task, max_batch_size: most, input, tensorrt }: Profiled): [PropertyKey[], string][] {
  const { profiles } = tensorrt;
  if (profiles === undefined) return [];
  const problems: [PropertyKey[], string][] = [];
  profiles.forEach((profile, index) => {
    const at = ['tensorrt', 'profiles', index];
    if (profile.batch !== undefined && profile.batch.max > most) {
      problems.push([[...at, 'batch'], `${profile.batch.max} is over max_batch_size, which is ${most}`]);
    }
    if (profile.inputs !== undefined && task !== 'tensors') {
      problems.push([[...at, 'inputs'], `has no meaning with task ${task}, whose input the task knows: remove it`]);
    }
    for (const side of ['height', 'width'] as const) {
      const range = profile[side];
      if (range === undefined) continue;
      if (input === undefined) {
        problems.push([[...at, side], 'has no meaning for a model that takes no pictures: remove it']);
        continue;
      }
      if (range.min <= input[side] && input[side] <= range.max) continue;
      problems.push([[...at, side], `${range.min} to ${range.max} leaves out input.${side}, which is ${input[side]}`]);
    }
  });
  const covers = (rows: number) =>
    profiles.some(({ batch }) => batch === undefined || (batch.min <= rows && rows <= batch.max));
  const gap = Array.from({ length: most }, (_, index) => index + 1).find((rows) => !covers(rows));
  if (gap !== undefined) {
    problems.push([
      ['tensorrt', 'profiles'],
      `no profile takes a batch of ${gap}; batches have 1 to max_batch_size rows, which is ${most}`,
    ]);
  }
  return problems;
}
