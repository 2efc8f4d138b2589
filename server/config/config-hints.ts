import { configSchema, keysOf, schemaAt, type SchemaNode } from './config-schema.js';
import { closestWord } from './closest-word.js';

const NO_COUNTERPART = 'Sluice has no counterpart; remove it';

/** What to do with keys of Triton's that do not exist here, by path without list places. */
const TRITON_KEYS: Readonly<Record<string, string>> = {
  name: "remove it: the model's name is that of its directory",
  platform: 'remove it: the model file is ONNX, whatever runs it',
  backend: 'remove it: the model file is ONNX, whatever runs it',
  runtime: 'remove it: the model file is ONNX, whatever runs it',
  output: 'remove it, or declare it under `tensors`: the outputs are read from the model file',
  model_transaction_policy: NO_COUNTERPART,
  optimization: 'what TensorRT is to do stands under `tensorrt`',
  parameters: NO_COUNTERPART,
  cc_model_filenames: NO_COUNTERPART,
  metric_tags: NO_COUNTERPART,
  'instance_group.name': NO_COUNTERPART,
  'instance_group.profile': NO_COUNTERPART,
  'instance_group.passive': NO_COUNTERPART,
  'dynamic_batching.priority_queue_policy': 'all priorities share default_queue_policy; remove it',
  'dynamic_batching.default_queue_policy.timeout_action': 'remove it: what waits too long is always refused',
  'dynamic_batching.default_queue_policy.allow_timeout_override':
    'remove it: a request may always shorten the time, never lengthen it',
  'model_warmup.name': NO_COUNTERPART,
  'model_warmup.inputs': 'remove it: the warm-up runs on blank pictures',
};

/** What to write instead of an unknown key below `parent`; null: no idea. */
export function hintForKey(parent: readonly PropertyKey[], key: string): string | null {
  const section = dotted(parent);
  const full = section === '' ? key : `${section}.${key}`;
  if (Object.hasOwn(TRITON_KEYS, full)) return TRITON_KEYS[full] ?? null;
  const siblings = keysOf(schemaAt(parent) ?? {});
  const similar = closestWord(key, siblings);
  if (similar !== null) return `did you mean ${similar}?`;
  const elsewhere = sectionWithKey(key);
  if (elsewhere !== null) return elsewhere === '' ? 'it belongs at the top level' : `it belongs under ${elsewhere}`;
  // All keys of the top level would not fit in a line.
  return section === ''
    ? 'CONFIG.md in the model repository lists the keys'
    : `the keys here are ${siblings.join(', ')}`;
}

/** What to write instead of a value that does not fit; null: what was expected says enough. */
export function hintForValue(path: readonly PropertyKey[], value: unknown): string | null {
  const schema = schemaAt(path);
  const at = dotted(path);
  if (at === 'instance_group' && Array.isArray(value)) {
    return 'there is one group: write it as a mapping, `instance_group: { count: 2, kind: KIND_CPU }`';
  }
  if (at === 'input' && Array.isArray(value)) {
    return 'tensors are read from the model file, or declared under `tensors`; write `input: { width: 640, height: 640 }`';
  }
  if (schema === undefined) return null;
  if (schema.anyOf !== undefined) return hintForAlternatives(path, schema, value);
  if (schema.type === 'array' && !Array.isArray(value) && value !== undefined) return 'write a list: `[ ... ]`';
  if (typeof value !== 'string') return missingHint(schema, value);
  if (schema.enum !== undefined) {
    const similar = closestWord(value, schema.enum);
    return similar === null ? null : `did you mean ${similar}?`;
  }
  if (schema.type === 'boolean' && /^(true|yes|on|y)$/i.test(value)) return 'write true, without quotes';
  if (schema.type === 'boolean' && /^(false|no|off|n)$/i.test(value)) return 'write false, without quotes';
  const numeric = (schema.type === 'integer' || schema.type === 'number') && value.trim() !== '';
  return numeric && Number.isFinite(Number(value)) ? 'remove the quotes' : null;
}

function hintForAlternatives(path: readonly PropertyKey[], schema: SchemaNode, value: unknown): string | null {
  if (value === 'all') return `write \`${String(path.at(-1))}: { all: {} }\``;
  if (typeof value === 'string') {
    const similar = closestWord(value, schema.anyOf?.flatMap((branch) => branch.enum ?? []) ?? []);
    return similar === null ? null : `did you mean ${similar}?`;
  }
  if (typeof value !== 'object' || value === null) return null;
  const known = keysOf(schema);
  const given = Object.keys(value);
  if (given.filter((key) => known.includes(key)).length > 1) return `keep one of ${given.join(', ')}`;
  const similar = given.map((key) => closestWord(key, known)).find((key) => key !== null);
  return similar === undefined ? null : `did you mean ${similar}?`;
}

/** A key that is missing is explained, one that holds something else is not. */
function missingHint(schema: SchemaNode, value: unknown): string | null {
  return value === undefined ? (schema.description ?? null) : null;
}

/** `model_warmup[0].count` is `model_warmup.count`. */
function dotted(path: readonly PropertyKey[]): string {
  return path.filter((key) => typeof key !== 'number').join('.');
}

/** Path of the section that has the key; '' the top level, null none. */
function sectionWithKey(key: string, schema: SchemaNode = configSchema, at = ''): string | null {
  if (keysOf(schema).includes(key)) return at;
  for (const branch of schema.anyOf ?? [schema.items ?? schema]) {
    for (const [name, child] of Object.entries(branch.properties ?? {})) {
      const found = sectionWithKey(key, child, at === '' ? name : `${at}.${name}`);
      if (found !== null) return found;
    }
  }
  return null;
}
