import { z } from 'zod';
import { annotateSchema } from './annotation-config.js';
import { taskProblems } from './config-meaning.js';
import { ensembleSchema } from './ensemble/ensemble-config.js';
import { instanceGroupSchema } from './instance-group-config.js';
import { channelsOf } from './network-input.js';
import { pipelineSchema } from './pipeline/pipeline-config.js';
import { focusProblems, preprocessProblems, preprocessSchema } from './preprocess-config.js';
import { meaningProblems, postprocessSchema } from './postprocess-config.js';
import { responseCacheSchema } from './response-cache-config.js';
import { sequenceProblems, sequenceSchema } from './sequences/sequence-config.js';
import { TASK_INPUTS, TASK_KINDS, TASKS } from './tasks.js';
import { profileProblems, tensorrtSchema } from './tensorrt-config.js';
import { tensorsSchema } from './tensors-config.js';
import { tokenizerSchema } from './text-config.js';
import { trackerSchema } from './tracking-config.js';
import { versionPolicySchema } from './version-policy-config.js';

export {
  TASK_INPUTS,
  TASK_KINDS,
  TASKS,
  TASKS_OF_REGIONS,
  type TaskInput,
  type TaskKind,
  type TaskName,
} from './tasks.js';

/**
 * The schema of `config.yaml`: types, defaults, checks, JSON Schema and reference page all come from here.
 * Names are Triton's where Triton has one.
 */

const count = (description: string) => z.int().min(1).describe(description);

const inputSchema = z
  .strictObject({
    width: z.int().min(1).max(16384).describe('Width of the network input, in pixels.'),
    height: z.int().min(1).max(16384).describe('Height of the network input, in pixels.'),
  })
  .describe(
    'Size to which pictures are brought; required for them, and without meaning for texts. A model file with another ' +
      'fixed size is rewritten to it.',
  );

const queuePolicySchema = z
  .strictObject({
    max_queue_size: z.int().min(0).default(1024).describe('Most queued requests; 0: no limit.'),
    max_queue_bytes: z.int().min(0).default(268_435_456).describe('Most bytes of queued pictures; 0: no limit.'),
    default_timeout_microseconds: z
      .int()
      .min(0)
      .default(0)
      .describe('Longest wait in the queue; 0: no limit. A request may shorten it.'),
  })
  .describe('Limits of the queue. What is over them is refused with RESOURCE_EXHAUSTED.');

const dynamicBatchingSchema = z
  .strictObject({
    preferred_batch_size: z
      .array(z.int().min(1))
      .default([])
      .describe('Sizes at which a batch is cut without further waiting; none over `max_batch_size`.'),
    pad_to_sizes: z
      .array(z.int().min(1))
      .default([])
      .describe(
        'Sizes to which batches of tensors (ModelInfer) are filled up with zeros, ascending, for models that are slow with ' +
          'every size that they have not seen; a larger batch stays as it is. None over `max_batch_size`.',
      ),
    max_queue_delay_microseconds: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'How long the oldest request may wait for company although an instance is idle. Below 1000 means: until the ' +
          'next turn of the event loop.',
      ),
    preserve_ordering: z
      .boolean()
      .default(false)
      .describe('Answer requests of the model in the order in which they were put into batches, even across batches.'),
    priority_levels: count('Priorities that requests may have: 1 is the first to go.').max(16).default(1),
    default_priority_level: count('Priority of a request that names none; at most `priority_levels`.').default(1),
    default_queue_policy: queuePolicySchema.prefault({}),
  })
  .describe('How queued requests are grouped into batches.');

const warmupSchema = z.strictObject({
  batch_size: count('Rows of the warm-up batch; at most `max_batch_size`.'),
  count: count('How often it runs.').default(1),
});

const fields = z.strictObject({
  task: z
    .enum(TASKS)
    .describe(
      "What the model's tensors mean. Objects (Detect): centerface; yolov5 (also YOLOv3 and v7); yolox; yolov5_raw and " +
        'yolox_raw, which are decoded here; yolov8 (also YOLO11), yolov8_seg, yolov8_pose, yolov8_obb; yolov10 (also ' +
        'YOLO26); centernet; dbface; rtdetr; efficient_nms, for models that suppress by themselves; retinaface; scrfd. ' +
        'Points of one object a region (Detect): alphapose, heatmap_pose. Vectors (Embed): embedding and arcface, of ' +
        'pictures; text_embedding, of texts. Classes (Classify): classification, of pictures; text_classification, of ' +
        'texts. A class for every pixel (Segment): segmentation. fall: whether a pose of 16 key points has fallen, for ' +
        'stages of pipelines. pipeline: no network, but other models one after the other (Detect). tensors: no meaning; ' +
        'the inputs and outputs as they are (ModelInfer, which models of the other tasks answer too). ensemble: no network, ' +
        'but other models, each of which gets tensors of the request or of others (ModelInfer).',
    ),
  input: inputSchema.optional(),
  max_batch_size: z
    .int()
    .min(0)
    .max(1024)
    .optional()
    .describe(
      'Most rows in one execution; default: 8. Task tensors: 0 where the tensors have no batch dimension, each request ' +
        'being an execution of its own; default: 8 where the first dim of every input and output is open, else 0. Task ' +
        'ensemble: most rows of a request, default 0.',
    ),
  default_model_filename: z
    .string()
    .regex(/^[^/\\]+\.onnx$/, 'must be the name of an .onnx file inside the version directory')
    .default('model.onnx')
    .describe('The model file in each version directory.'),
  labels: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\]+$/, 'must be the name of a file in the model directory')
    .optional()
    .describe('File in the model directory with the name of one class a line.'),
  preprocess: preprocessSchema.prefault({}),
  postprocess: postprocessSchema.prefault({}),
  tokenizer: tokenizerSchema.prefault({}),
  instance_group: instanceGroupSchema.prefault({}),
  tensorrt: tensorrtSchema.prefault({}),
  dynamic_batching: dynamicBatchingSchema.prefault({}),
  response_cache: responseCacheSchema.prefault({}),
  sequence_batching: sequenceSchema.optional(),
  version_policy: versionPolicySchema.default({ latest: { num_versions: 1 } }),
  model_warmup: z
    .array(warmupSchema)
    .default([{ batch_size: 1, count: 1 }])
    .describe('Runs on blank pictures that each instance does before the version is READY.'),
  pipeline: pipelineSchema.optional(),
  tensors: tensorsSchema.optional(),
  ensemble_scheduling: ensembleSchema.optional(),
  annotate: annotateSchema.optional(),
  tracker: trackerSchema.optional(),
});

type Fields = z.output<typeof fields>;

/** A check across fields: a path and what is wrong there, for each problem. */
type CrossCheck = (config: Fields) => [path: PropertyKey[], message: string][];

/** One of configurations of models that take pictures. */
type PictureCheck = (config: Fields & { readonly input: object }) => ReturnType<CrossCheck>;

const ofPictures =
  (check: PictureCheck): CrossCheck =>
  ({ input, ...config }) =>
    input === undefined ? [] : check({ ...config, input });

/** The most rows where nothing is said. */
const DEFAULT_BATCH_SIZE = 8;

/** Of checks and of what loads the model: at least one row is always run. */
const mostRows = ({ max_batch_size: most = DEFAULT_BATCH_SIZE }: Pick<Fields, 'max_batch_size'>): number =>
  Math.max(1, most);

/** The most memory that the input tensor of a full batch may take: 2 GiB. */
const MOST_TENSOR_BYTES = 2 ** 31;

const batchSizesFit: CrossCheck = ({ dynamic_batching: batching, ...config }) =>
  (['preferred_batch_size', 'pad_to_sizes'] as const).flatMap((key) =>
    batching[key].flatMap((size, index): ReturnType<CrossCheck> => {
      const most = mostRows(config);
      if (size > most) return [[['dynamic_batching', key, index], `${size} is over max_batch_size, which is ${most}`]];
      const ascends = key === 'preferred_batch_size' || index === 0 || size > batching[key][index - 1]!;
      return ascends ? [] : [[['dynamic_batching', key, index], 'the sizes must ascend']];
    }),
  );

const defaultPriorityExists: CrossCheck = ({ dynamic_batching: batching }) =>
  batching.default_priority_level > batching.priority_levels
    ? [
        [
          ['dynamic_batching', 'default_priority_level'],
          `${batching.default_priority_level} is over priority_levels, which is ${batching.priority_levels}`,
        ],
      ]
    : [];

const warmupsFit: CrossCheck = ({ model_warmup: warmups, ...config }) =>
  warmups.flatMap(({ batch_size: size }, index) => {
    const most = mostRows(config);
    if (size <= most) return [];
    return [[['model_warmup', index, 'batch_size'], `${size} is over max_batch_size, which is ${most}`]];
  });

const batchExists: CrossCheck = ({ task, max_batch_size: most }) =>
  most === 0 && TASK_INPUTS[task] !== 'tensors'
    ? [[['max_batch_size'], `0 has no meaning with task ${task}, whose batch is at least one row: write 1`]]
    : [];

const tensorFits: PictureCheck = ({ input: { width, height }, preprocess: { color }, ...config }) => {
  const rows = mostRows(config);
  const bytes = rows * width * height * channelsOf(color) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= MOST_TENSOR_BYTES) return [];
  const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const message = `a batch of ${rows} inputs of ${width} x ${height} takes ${size}, over 2 GiB: lower max_batch_size or the size`;
  return [[['input'], message]];
};

const gpusHaveMeaning: CrossCheck = ({ instance_group: { kind, gpus } }) =>
  kind === 'KIND_CPU' && gpus !== undefined
    ? [[['instance_group', 'gpus'], 'has no meaning with kind KIND_CPU: remove one of the two']]
    : [];

const sequencesFit: CrossCheck = (config) => sequenceProblems(config, mostRows(config));

const taskFits: CrossCheck = (config) =>
  taskProblems(config, { input: TASK_INPUTS[config.task], kind: TASK_KINDS[config.task] });

/** Runs a check although other fields are broken, as long as those that it reads are sound: problems come all at once. */
function crossCheck(check: CrossCheck, reads: readonly string[]) {
  return z.superRefine<Fields>(
    (config, context) => {
      for (const [path, message] of check(config)) context.addIssue({ code: 'custom', path, message });
    },
    {
      when: ({ issues }) =>
        issues.every(({ code, path = [] }) => code === 'unrecognized_keys' || !concerns(path, reads)),
    },
  );
}

/** Whether something at `path` is one of the keys, inside one, or around one. */
function concerns(path: readonly PropertyKey[], keys: readonly string[]): boolean {
  if (path.length === 0) return true;
  const at = `${path.join('.')}.`;
  return keys.some((key) => at.startsWith(`${key}.`) || `${key}.`.startsWith(at));
}

export const modelConfigSchema = fields
  .check(
    crossCheck(batchSizesFit, [
      'max_batch_size',
      'dynamic_batching.preferred_batch_size',
      'dynamic_batching.pad_to_sizes',
    ]),
    crossCheck(defaultPriorityExists, ['dynamic_batching.priority_levels', 'dynamic_batching.default_priority_level']),
    crossCheck(warmupsFit, ['max_batch_size', 'model_warmup']),
    crossCheck(sequencesFit, ['task', 'max_batch_size', 'dynamic_batching', 'sequence_batching']),
    crossCheck(batchExists, ['task', 'max_batch_size']),
    crossCheck(ofPictures(tensorFits), ['max_batch_size', 'input', 'preprocess.color']),
    crossCheck(ofPictures(preprocessProblems), ['input', 'preprocess']),
    crossCheck(ofPictures(focusProblems), ['input', 'preprocess.focus', 'tensorrt.profiles']),
    crossCheck(gpusHaveMeaning, ['instance_group.kind', 'instance_group.gpus']),
    crossCheck(meaningProblems, ['task', 'postprocess']),
    crossCheck(
      (config) => profileProblems({ ...config, max_batch_size: mostRows(config) }),
      ['task', 'max_batch_size', 'input', 'tensorrt.profiles'],
    ),
    crossCheck(taskFits, [
      'task',
      'input',
      'pipeline',
      'tensors',
      'ensemble_scheduling',
      'annotate',
      'tracker',
      'response_cache',
      'sequence_batching',
      'instance_group.kind',
    ]),
  )
  .transform((config) => ({
    ...config,
    // Of models that see no pictures.
    input: config.input ?? { width: 0, height: 0 },
    // The frames of a pipeline run one by one: each of them is one of its instances.
    max_batch_size:
      config.task === 'pipeline' ? 1 : (config.max_batch_size ?? defaultMost(config.task) ?? DEFAULT_BATCH_SIZE),
    // What is not said is only known once the model file is read.
    batch_dimension: batchDimension(config),
  }));

/** An ensemble has only the batch that it says. */
function defaultMost(task: Fields['task']): number | undefined {
  return task === 'ensemble' ? 0 : undefined;
}

/** Whether the first dim of every tensor is the batch; null: the model file tells. */
function batchDimension({ task, max_batch_size: most = defaultMost(task) }: Fields): boolean | null {
  if (task !== 'tensors' && task !== 'ensemble') return true;
  return most === undefined ? null : most > 0;
}

/** One model's configuration with every default filled in. */
export type ModelConfig = z.output<typeof modelConfigSchema>;
