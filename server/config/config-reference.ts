import { stringify } from 'yaml';
import { TASK_INPUTS, TASKS, type TaskInput, type TaskName } from '../core/model-config.js';
import { configSchema, describeExpected, keysOf, type SchemaNode } from './config-schema.js';
import { TASK_PROFILES } from '../core/task-profiles.js';
import { code, markdownTable } from './markdown.js';

/** A configuration for the reference; a test reads it. */
export const EXAMPLE_CONFIG = `# yaml-language-server: $schema=../config.schema.json
task: centerface
input: { width: 640, height: 640 }
max_batch_size: 16
postprocess:
  score_threshold: 0.6
instance_group:
  count: 2
  kind: KIND_CPU
dynamic_batching:
  max_queue_delay_microseconds: 2000
  default_queue_policy:
    default_timeout_microseconds: 500000
`;

/** What the task decides: pictures need a size, and a text has none. */
const INPUT_OF_TASK = {
  anyOf: [
    { properties: { task: { enum: tasksOf('picture') }, tokenizer: false }, required: ['input'] },
    { properties: { task: { enum: tasksOf('text') }, input: false, preprocess: false } },
    { properties: { task: { enum: tasksOf('tensors') }, input: false, preprocess: false, postprocess: false } },
  ],
};

function tasksOf(input: TaskInput): TaskName[] {
  return TASKS.filter((task) => TASK_INPUTS[task] === input);
}

/** The JSON Schema for editors: model-repo/config.schema.json. */
export function configSchemaFile(): string {
  const text = JSON.stringify({ title: 'A model of Sluice: config.yaml', ...configSchema, ...INPUT_OF_TASK }, null, 2);
  // Lists of plain values in one line, as prettier has them.
  return `${text.replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, items: string) => `[${items.replace(/\s+/g, ' ')}]`)}\n`;
}

/** The page that explains every key: model-repo/CONFIG.md. */
export function configReference(): string {
  const parts = [
    '# config.yaml',
    'Each model is a directory of the repository: `NAME/config.yaml` describes it, `NAME/VERSION/model.onnx` is a ' +
      'version of it. Only `task` is always required, and `input` by every task that looks at pictures. Keys that do not ' +
      'exist are errors, and every problem of a file is reported at once with its line. Names are those of Triton where Triton ' +
      'has one.',
    `\`\`\`yaml\n${EXAMPLE_CONFIG}\`\`\``,
    'With the first line, editors that know the YAML language server complete and check the file.',
    ...section('', configSchema),
    ...profiles(),
    '_Written by `make docs` from `server/core/model-config.ts`._',
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The defaults that depend on the task. */
function profiles(): string[] {
  const rows = Object.entries(TASK_PROFILES).map(([task, { preprocess, postprocess }]) => [
    code(task),
    ...[preprocess, postprocess].map((keys) => (keys === undefined ? '' : code(inline(keys)))),
  ]);
  return [
    '## Defaults by task',
    'Where a key is left out, these tasks have values of their own: those that the models were published with.',
    markdownTable(['Task', 'preprocess', 'postprocess'], rows),
  ];
}

/** One line of YAML, numbers as short as they are meant. */
function inline(keys: object): string {
  const short = JSON.parse(
    JSON.stringify(keys, (_, value) => (typeof value === 'number' ? round(value) : value)),
  ) as object;
  return stringify(short, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}

/** The table of one mapping, then those of the mappings inside it. */
function section(path: string, schema: SchemaNode): string[] {
  const branches = schema.anyOf ?? [schema];
  const rows: string[][] = [];
  const inner: string[] = [];
  for (const branch of branches) {
    for (const [key, child] of Object.entries(branch.properties ?? {})) {
      const childPath = path === '' ? key : `${path}.${key}`;
      const required = branch.required?.includes(key) === true;
      const filledIn = schema.anyOf === undefined ? initial(child, required) : 'none';
      rows.push([code(key), value(childPath, child), filledIn, child.description ?? '']);
      if (hasKeys(child)) inner.push(...section(childPath, child));
      if (child.items !== undefined && hasKeys(child.items)) inner.push(...section(`${childPath}[]`, child.items));
    }
  }
  const title = path === '' ? 'Keys' : path;
  const about = path === '' ? [] : [schema.description, schema.anyOf && 'Exactly one of:'].filter((text) => text);
  const own = about.length === 0 ? [] : [about.join(' ')];
  return [`## ${title}`, ...own, markdownTable(['Key', 'Value', 'Default', 'Meaning'], rows), ...inner];
}

function value(path: string, schema: SchemaNode): string {
  if (hasKeys(schema)) return `a mapping: [${path}](#${anchor(path)})`;
  if (schema.type === 'object') return 'an empty mapping, `{}`';
  if (schema.items !== undefined && hasKeys(schema.items)) return `a list of mappings: [${path}[]](#${anchor(path)})`;
  return describeExpected(schema);
}

function initial(schema: SchemaNode, required: boolean): string {
  if (required) return 'required';
  // One with required keys is only there when it is written.
  if (hasKeys(schema) && schema.default === undefined && !schema.required?.length) return 'those of its keys';
  return schema.default === undefined ? 'none' : code(stringify(schema.default, { collectionStyle: 'flow' }).trim());
}

function hasKeys(schema: SchemaNode): boolean {
  return keysOf(schema).length > 0;
}

/** The fragment that GitHub gives a title. */
function anchor(path: string): string {
  return path.replace(/[.[\]]/g, '');
}
