import { z } from 'zod';
import { dataType, dims } from '../tensors-config.js';

/** The section `sequence_batching` of a config.yaml: requests that belong together. Names are Triton's. */

const CONTROL_KINDS = [
  'CONTROL_SEQUENCE_START',
  'CONTROL_SEQUENCE_READY',
  'CONTROL_SEQUENCE_END',
  'CONTROL_SEQUENCE_CORRID',
] as const;

export type ControlKind = (typeof CONTROL_KINDS)[number];

/** Types that an input for the id of a sequence may have. */
const CORRID_TYPES = ['TYPE_UINT64', 'TYPE_INT64', 'TYPE_UINT32', 'TYPE_INT32', 'TYPE_STRING'] as const;

/** Of strategy oldest and of the slots of direct: more than any model has. */
const MOST_SEQUENCES = 65_536;

const delay = (description: string) => z.int().min(0).default(0).describe(description);

const directSchema = z
  .strictObject({
    max_queue_delay_microseconds: delay(
      'How long the oldest request may wait until `minimum_slot_utilization` is reached.',
    ),
    minimum_slot_utilization: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of the slots of an instance that must have a request before a batch goes without waiting.'),
  })
  .describe(
    'Each sequence is bound to a slot, which is one row of the batches of one instance, and keeps it to its end. There are ' +
      '`max_batch_size` slots an instance, or one. A batch has a row for each slot up to the last that has a request; those ' +
      'between that have none are zeros, with READY false.',
  );

const oldestSchema = z
  .strictObject({
    max_candidate_sequences: z
      .int()
      .min(1)
      .max(MOST_SEQUENCES)
      .optional()
      .describe('Most sequences at once, for each instance; default: `max_batch_size`, or 1.'),
    preferred_batch_size: z
      .array(z.int().min(1))
      .default([])
      .describe('Sizes at which a batch is cut without further waiting; none over `max_batch_size`.'),
    max_queue_delay_microseconds: delay(
      'How long the oldest request may wait for others although an instance is idle.',
    ),
    preserve_ordering: z
      .boolean()
      .default(false)
      .describe('Answer requests of different sequences in the order in which they were put into batches, too.'),
  })
  .describe('Each batch has the oldest requests of different sequences, in any row of any instance.');

const pair = <Value extends z.ZodType>(value: Value, what: string) =>
  z.array(value).length(2).optional().describe(`What is false and what is true, of an input that is ${what}.`);

const controlSchema = z.strictObject({
  kind: z
    .enum(CONTROL_KINDS)
    .describe(
      'What it tells: whether the request is the first of its sequence, whether the row has a request at all, whether it is ' +
        'the last, or the sequence_id.',
    ),
  int32_false_true: pair(z.int32(), 'INT32'),
  fp32_false_true: pair(z.number(), 'FP32'),
  bool_false_true: pair(z.boolean(), 'BOOL'),
  data_type: z.enum(CORRID_TYPES).optional().describe('Of CONTROL_SEQUENCE_CORRID only: its type.'),
});

const controlInputSchema = z.strictObject({
  name: z.string().min(1).describe('An input of the model file with one element a row.'),
  control: z.array(controlSchema).length(1).describe('What it is given.'),
});

const initialStateSchema = z.strictObject({
  name: z.string().default('').describe('Without a meaning here.'),
  data_type: dataType('That of the state.'),
  dims: dims().describe('Its shape without the batch dimension; it fits the dims of the state.'),
  zero_data: z.literal(true).optional().describe('Zeros, or empty texts.'),
  data_file: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\]+$/, 'must be the name of a file in the directory initial_state of the model')
    .optional()
    .describe('File in the directory `initial_state` of the model directory: little-endian elements, row-major.'),
});

const stateSchema = z.strictObject({
  input_name: z.string().min(1).describe('The input of the model file that is given the state.'),
  output_name: z
    .string()
    .min(1)
    .describe('The output that is the next state. It is answered only where `tensors.output` has it as well.'),
  data_type: dataType('Type of its elements.'),
  dims: dims().describe('Its shape without the batch dimension; -1: any, and 1 at first.'),
  initial_state: z
    .array(initialStateSchema)
    .max(1)
    .default([])
    .describe('What a sequence begins with; default: zeros.'),
});

export const sequenceSchema = z
  .strictObject({
    direct: directSchema.optional(),
    oldest: oldestSchema.optional(),
    max_sequence_idle_microseconds: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('A sequence that had no request for so long ends, and its slot is free for others.'),
    control_input: z.array(controlInputSchema).default([]).describe('Inputs that the server fills in.'),
    state: z
      .array(stateSchema)
      .default([])
      .describe('Outputs that are inputs of the next request of the sequence; the server keeps them meanwhile.'),
  })
  .describe(
    'Requests belong to sequences (sequence_id, sequence_start, sequence_end), and those of one run one after the other, in ' +
      'their order. Strategy: `direct`, which is the default, or `oldest`. Sequences beyond its slots wait in the queue. ' +
      'Only for task tensors.',
  );

export type SequenceConfig = z.output<typeof sequenceSchema>;
export type ControlConfig = z.output<typeof controlSchema>;
export type StateConfig = z.output<typeof stateSchema>;

type Problem = [path: PropertyKey[], message: string];

/** What of a configuration sequences depend on. */
export interface SequenceDependent {
  readonly task: string;
  readonly sequence_batching?: SequenceConfig | undefined;
  readonly dynamic_batching: {
    readonly preferred_batch_size: readonly number[];
    readonly max_queue_delay_microseconds: number;
    readonly preserve_ordering: boolean;
    readonly priority_levels: number;
  };
}

const at = 'sequence_batching';

/** What is wrong with a section whose values are right one by one, and with others beside it. */
export function sequenceProblems(config: SequenceDependent, mostRows: number): Problem[] {
  const { task, sequence_batching: sequences, dynamic_batching: dynamic } = config;
  if (sequences === undefined) return [];
  if (task !== 'tensors')
    return [[[at], `has no meaning with task ${task}, whose requests stand for themselves: remove it`]];
  const useless = {
    preferred_batch_size: dynamic.preferred_batch_size.length > 0,
    max_queue_delay_microseconds: dynamic.max_queue_delay_microseconds > 0,
    preserve_ordering: dynamic.preserve_ordering,
    priority_levels: dynamic.priority_levels > 1,
  };
  const beside = Object.entries(useless).flatMap(([key, isSet]): Problem[] =>
    isSet ? [[['dynamic_batching', key], 'has no meaning beside sequence_batching: remove it']] : [],
  );
  return [...beside, ...sectionProblems(sequences, mostRows)];
}

function sectionProblems(config: SequenceConfig, mostRows: number): Problem[] {
  const problems: Problem[] = [];
  if (config.direct !== undefined && config.oldest !== undefined) {
    problems.push([[at, 'oldest'], 'there is one strategy: remove this one or direct']);
  }
  config.oldest?.preferred_batch_size.forEach((size, index) => {
    if (size <= mostRows) return;
    problems.push([
      [at, 'oldest', 'preferred_batch_size', index],
      `${size} is over max_batch_size, which is ${mostRows}`,
    ]);
  });
  const kinds: ControlKind[] = [];
  config.control_input.forEach(({ control }, index) => {
    control.forEach((one, place) => {
      const path = [at, 'control_input', index, 'control', place];
      if (kinds.includes(one.kind)) problems.push([[...path, 'kind'], `another input has ${one.kind} already`]);
      kinds.push(one.kind);
      const why = controlProblem(one);
      if (why !== null) problems.push([path, why]);
    });
  });
  config.state.forEach(({ data_type: type, dims: shape, initial_state: initial }, index) => {
    initial.forEach((one, place) => {
      const path = [at, 'state', index, 'initial_state', place];
      if ((one.zero_data === undefined) === (one.data_file === undefined))
        problems.push([path, 'expected either zero_data: true or data_file']);
      if (one.data_type !== type) problems.push([[...path, 'data_type'], `the state is ${type}`]);
      const fits = shape.length === one.dims.length && shape.every((dim, axis) => dim === -1 || dim === one.dims[axis]);
      if (!fits || one.dims.includes(-1)) {
        problems.push([[...path, 'dims'], `expected a shape without -1 that fits the state's, [${shape.join(', ')}]`]);
      }
    });
  });
  const names = [...config.control_input.map(({ name }) => name), ...config.state.map(({ input_name: name }) => name)];
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) {
    problems.push([[at], `input ${name} is there twice`]);
  }
  return problems;
}

function controlProblem(control: ControlConfig): string | null {
  const { kind, data_type: type } = control;
  const pairs = (['int32_false_true', 'fp32_false_true', 'bool_false_true'] as const).filter(
    (name) => control[name] !== undefined,
  );
  if (kind === 'CONTROL_SEQUENCE_CORRID') {
    return type !== undefined && pairs.length === 0 ? null : `expected data_type, and nothing else, for ${kind}`;
  }
  return type === undefined && pairs.length === 1
    ? null
    : `expected one of int32_false_true, fp32_false_true and bool_false_true, and nothing else, for ${kind}`;
}
