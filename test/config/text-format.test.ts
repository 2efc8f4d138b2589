import test from 'ava';
import type { FieldType, MessageType } from '../../server/config/triton/field-type.js';
import { readMessage } from '../../server/config/triton/message-reader.js';
import { MODEL_CONFIG } from '../../server/config/triton/model-fields.js';
import { parseTextFormat } from '../../server/config/triton/text-format.js';
import { TextFormatError } from '../../server/config/triton/text-tokens.js';
import { askOracle } from '../oracle/oracle.js';

/** Against protobuf's own reader: what each text says, and which texts say nothing. */

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

interface Described {
  readonly type: string | readonly string[] | Readonly<Record<string, Described>>;
  readonly many: string;
  readonly key: string;
  readonly choice: string | null;
}

interface Oracle {
  readonly answers: readonly { readonly value?: Plain; readonly line?: number | null }[];
  readonly fields: Readonly<Record<string, Described>>;
}

const GOOD: readonly string[] = [
  '',
  '# nothing\n',
  'name: "a"',
  "name: 'it''s' # pieces are one string",
  'name: "a" "b"\n# between\n \'c\'',
  String.raw`name: "\a\b\f\n\r\t\v\\\'\"\101\x41\u00e9\U0001F600\0" platform: "\303\251" '\xc3' "\xa9"`,
  'name: "é😀"',
  'max_batch_size: 8, name: "x"; platform: "y"',
  'max_batch_size:0x1F',
  'max_batch_size: 017',
  'max_batch_size: -3',
  'version_policy { latest { num_versions: 2 } }',
  'version_policy: < specific: < versions: [1, 2], versions: 3 > >',
  'version_policy { all {} }',
  'version_policy: { all: {} };',
  'input [ { name: "a" data_type: TYPE_FP32 dims: [ -1, 3 ] }, < name: "b" data_type: 11 dims: 4 dims: 5 > ]',
  'input { name: "a" } input { name: "b" reshape { shape: [] } }',
  'input: []',
  'input [] parameters []',
  'input: [ { name: "a", optional: true; } ]',
  'parameters { key: "a" value { string_value: "1" } } parameters: { value: { string_value: "2" }, key: "b" }',
  'parameters [ { key: "a" value { string_value: "1" } }, { key: "a" value { string_value: "2" } } ]',
  'parameters { key: "empty" } cc_model_filenames { key: "7.5" } metric_tags { value: "v" }',
  'dynamic_batching { priority_queue_policy { key: 3 value { timeout_action: DELAY } } priority_queue_policy { } }',
  'dynamic_batching { max_queue_delay_microseconds: 18446744073709549568 preserve_ordering: True }',
  'input { name: "i" optional: t is_shape_tensor: f } input { optional: 1 allow_ragged_batch: False }',
  'sequence_batching { direct { minimum_slot_utilization: 0.5 } }',
  'sequence_batching { direct { minimum_slot_utilization: 1e-3f } max_sequence_idle_microseconds: 0 }',
  'sequence_batching { direct { minimum_slot_utilization: .25 } control_input [{ control { fp32_false_true: [0, -1.] } }] }',
  'sequence_batching { direct { minimum_slot_utilization: -inf } }',
  'sequence_batching { direct { minimum_slot_utilization: 3 } }',
  'ensemble_scheduling { step [ { model_name: "m" model_version: -1 input_map { key: "A" value: "B" } } ] }',
  'model_warmup { name: "w" inputs { key: "x" value: { random_data: true dims: [1] } } }',
  'name:"tight"max_batch_size:1input{dims:1}',
];

/** None of them is a text of the message. */
const BAD: readonly string[] = [
  'name: "a',
  'name: "a\nb"',
  String.raw`name: "\xg"`,
  String.raw`name: "\U00110000"`,
  String.raw`name: "\377"`,
  'name "a"',
  'name: a',
  'name: 1',
  'max_batch_size: "1"',
  'max_batch_size: 1.5',
  'max_batch_size: 2147483648',
  'max_batch_size: 08',
  'max_batch_size: 1 max_batch_size',
  'max_batch_size: [1]',
  'max_batch_size: 1;; name: "a"',
  'nothing: 1',
  'input { nothing: 1 }',
  'input { dims: [1, ] }',
  'input { dims [1, 2] }',
  'input { dims [] }',
  'name\n"a"',
  'input { name: "a"',
  'input { name: "a" >',
  'input { name: "a" } }',
  'input: 5',
  'input { data_type: FP32 }',
  'input { data_type: TYPE_FP32 data_type: TYPE_FP32 }',
  'input { optional: yes }',
  'input { dims: -9223372036854775809 }',
  'dynamic_batching { max_queue_delay_microseconds: -1 }',
  'dynamic_batching {} sequence_batching {}',
  'version_policy { latest {} all {} }',
  'name: "a" name: "b"',
  'name: {}',
  '\n\n  @',
  'name: ',
  ': 1',
];

function fill(type: MessageType, value: Readonly<Record<string, unknown>>): Plain {
  return Object.fromEntries(
    Object.entries(type.fields).flatMap(([name, field]): [string, Plain][] => {
      const of = value[name];
      if (field.many === 'list') return [[name, (of as unknown[]).map((item) => plain(field.type, item))]];
      if (field.many === 'map') {
        const entries = [...(of as ReadonlyMap<string, unknown>)];
        return [[name, Object.fromEntries(entries.map(([key, item]) => [key, plain(field.type, item)]))]];
      }
      const message = typeof field.type === 'object' && 'fields' in field.type;
      if (of === undefined && (message || field.choice !== null)) return [];
      return [[name, plain(field.type, of)]];
    }),
  );
}

/** As protobuf has it: what is left out has a value all the same. */
function plain(type: FieldType['type'], value: unknown): Plain {
  if (typeof type === 'object' && 'fields' in type) return fill(type, value as Record<string, unknown>);
  if (typeof type === 'object') return (value ?? type.names[0]!) as string;
  if (type === 'float') return finite(Math.fround((value ?? 0) as number));
  const absent = type === 'string' ? '' : type === 'bool' ? false : 0;
  return (value ?? absent) as Plain;
}

/** Infinity as Python writes it: JSON has none. */
function finite(value: number): Plain {
  return Number.isFinite(value) ? value : String(value).toLowerCase().replace('infinity', 'inf');
}

/** The value of a text, or the line of its first mistake. */
function read(text: string): { value?: Plain; line?: number } {
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  try {
    const { value, problems } = readMessage(MODEL_CONFIG, parseTextFormat(text));
    return problems[0] === undefined ? { value: fill(MODEL_CONFIG, value) } : { line: lineOf(problems[0].offset) };
  } catch (cause) {
    if (!(cause instanceof TextFormatError)) throw cause;
    return { line: lineOf(cause.offset) };
  }
}

function describe({ fields }: MessageType): Readonly<Record<string, Described>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { type, many, key, choice }]) => {
      const of = typeof type === 'string' ? type : 'fields' in type ? describe(type) : type.names;
      return [name, { type: of, many, key, choice }];
    }),
  );
}

// One question for all: Python takes a while to start.
const oracle = askOracle<Oracle>('model_configs.py', { texts: [...GOOD, ...BAD] });

GOOD.forEach((text, index) => {
  test(`reads what protobuf reads: ${JSON.stringify(text)}`, (t) => {
    t.deepEqual(read(text).value, oracle.answers[index]!.value);
  });
});

BAD.forEach((text, index) => {
  test(`refuses what protobuf refuses: ${JSON.stringify(text)}`, (t) => {
    const expected = oracle.answers[GOOD.length + index]!;
    t.is(expected.value, undefined);
    const { line, value } = read(text);
    t.is(value, undefined);
    t.true(line !== undefined);
    if (typeof expected.line === 'number') t.is(line, expected.line);
  });
});

test('reads what the specification has and the reader of Python has not', (t) => {
  const [name, size] = parseTextFormat(String.raw`name: "\?\X4a" max_batch_size: - # why` + '\n3');
  t.like(name, { name: 'name', values: [{ kind: 'string', text: '?J' }] });
  t.like(size, { name: 'max_batch_size', values: [{ kind: 'word', text: '-3' }] });
  t.throws(() => parseTextFormat(String.raw`name: "\q"`), { instanceOf: TextFormatError, message: /no such escape/ });
});

test('the table of fields is the message of Triton, whole', (t) => {
  t.deepEqual(describe(MODEL_CONFIG), oracle.fields);
});

test('messages may lie inside one another, but not for ever', (t) => {
  const nested = (depth: number) => `${'input {'.repeat(depth)}${'}'.repeat(depth)}`;
  t.notThrows(() => parseTextFormat(nested(60)));
  t.throws(() => parseTextFormat(nested(100_000)), { instanceOf: TextFormatError, message: /too deeply/ });
});
