import test from 'ava';
import { configSchemaFile } from '../../server/config/config-reference.js';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { FILE, problems } from '../support/config-problems.js';

test('a model that reads needs nothing but its task', (t) => {
  const { tokenizer, postprocess } = parseModelConfig('task: text_classification', FILE);
  t.deepEqual(tokenizer, {
    vocab: 'vocab.txt',
    max_length: 128,
    on_overflow: 'refuse',
    padding: 'longest',
    lower_case: true,
    split_cjk: true,
    add_sep: true,
    inputs: { ids: 'input_ids', mask: 'attention_mask', token_types: 'token_type_ids' },
  });
  t.deepEqual([postprocess.activation, postprocess.pooling, postprocess.score_threshold], ['none', 'none', 0]);
});

test('detectors leave out what is unsure, classifiers nothing, unless the file says otherwise', (t) => {
  const threshold = (text: string) => parseModelConfig(text, FILE).postprocess.score_threshold;
  const input = 'input: { width: 8, height: 8 }';
  t.is(threshold(`task: centerface\n${input}`), 0.5);
  t.is(threshold(`task: classification\n${input}`), 0);
  t.is(threshold('task: text_classification'), 0);
  t.is(threshold(`task: classification\n${input}\npostprocess: { score_threshold: 0.3 }`), 0.3);
});

test('pictures need a size', (t) => {
  for (const task of ['centerface', 'embedding', 'classification']) {
    t.deepEqual(problems(`task: ${task}`), [
      `1:1: input: the key is missing: task ${task} needs the size of the network input, in pixels`,
    ]);
  }
});

test('what says nothing of texts is refused for them, and what says nothing of pictures for those', (t) => {
  const text = [
    'task: text_embedding',
    'input: { width: 8, height: 8 }',
    'preprocess: { scale: 2 }',
    'tensorrt:',
    '  calibration: { directory: pictures }',
    '  profiles: [{ batch: { min: 1, opt: 8, max: 8 } }]',
  ].join('\n');
  const none = 'has no meaning with task text_embedding, which takes texts: remove it';
  t.deepEqual(problems(text), [
    `2:8: input: ${none}`,
    `3:13: preprocess: ${none}`,
    `5:16: tensorrt.calibration: ${none}`,
  ]);
  const picture = [
    'task: classification',
    'input: { width: 8, height: 8 }',
    'tokenizer: { max_length: 9 }',
    'postprocess: { pooling: mean }',
  ].join('\n');
  const nothing = 'has no meaning with task classification, which takes pictures: remove it';
  t.deepEqual(problems(picture), [`3:12: tokenizer: ${nothing}`, `4:25: postprocess.pooling: ${nothing}`]);
});

test('profiles of texts have no height', (t) => {
  const side = '{ min: 1, opt: 8, max: 8 }';
  const text = `task: text_embedding\ntensorrt: { profiles: [{ batch: ${side}, height: ${side} }] }`;
  t.deepEqual(problems(text), [
    '2:69: tensorrt.profiles[0].height: has no meaning for a model that takes no pictures: remove it',
  ]);
});

for (const [keys, expected] of [
  ['max_length: 2', 'tokenizer.max_length: expected a whole number from 3 to 8192, found 2'],
  ['vocab: ../vocab.txt', 'tokenizer.vocab: must be the name of a file in the model directory'],
  ['on_overflow: cut', 'tokenizer.on_overflow: expected one of refuse, truncate'],
  ['lowercase: true', 'tokenizer.lowercase: there is no such key (did you mean lower_case?)'],
  ['inputs: { id: x }', 'tokenizer.inputs.id: there is no such key (the keys here are ids, mask, token_types)'],
] as const) {
  test(`a tokenizer with \`${keys}\` is refused`, (t) => {
    const [found = ''] = problems(`task: text_embedding\ntokenizer: { ${keys} }`);
    t.true(found.includes(expected), found);
  });
}

test('editors know what goes with texts and what with pictures', (t) => {
  const schema = JSON.parse(configSchemaFile()) as Record<string, unknown>;
  t.deepEqual(schema['required'], ['task']);
  const [pictures, texts] = schema['anyOf'] as Record<string, object>[];
  t.like(pictures, { required: ['input'], properties: { tokenizer: false } });
  const task = { enum: ['text_embedding', 'text_classification'] };
  t.deepEqual(texts, { properties: { task, input: false, preprocess: false } });
});
