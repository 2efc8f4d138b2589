import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { TASKS } from '../../server/core/model-config.js';
import { EXAMPLE_CONFIG } from '../../server/config/config-reference.js';
import { FILE, GOOD, problems } from '../support/config-problems.js';

test('a configuration of two keys has every default', (t) => {
  const config = parseModelConfig(GOOD, FILE);
  t.is(config.max_batch_size, 8);
  t.is(config.preprocess.resize, 'letterbox');
  t.deepEqual(config.preprocess.std, [1, 1, 1]);
  t.is(config.dynamic_batching.default_queue_policy.max_queue_size, 1024);
  t.deepEqual(config.version_policy, { latest: { num_versions: 1 } });
  t.deepEqual(config.model_warmup, [{ batch_size: 1, count: 1 }]);
});

test('a configuration cannot be changed once it is read', (t) => {
  const config = parseModelConfig(GOOD, FILE);
  t.throws(() => (config.dynamic_batching.default_queue_policy.max_queue_size = 1), { instanceOf: TypeError });
  t.throws(() => config.preprocess.mean.push(1), { instanceOf: TypeError });
});

test('one configuration that is read does not freeze or change the next one', (t) => {
  t.not(parseModelConfig(GOOD, FILE).preprocess, parseModelConfig(GOOD, FILE).preprocess);
  t.deepEqual(parseModelConfig(GOOD, FILE), parseModelConfig(GOOD, FILE));
});

test('the example of the reference is a good configuration', (t) => {
  t.is(parseModelConfig(EXAMPLE_CONFIG, FILE).dynamic_batching.max_queue_delay_microseconds, 2000);
});

test('all problems are reported at once, in the order of the file, each with its line and column', (t) => {
  const text = [
    'task: centreface',
    'input:',
    '  width: 0',
    '  height: "480"',
    'max_batch_size: 4',
    'dynamic_batching:',
    '  preferred_batch_size: [2, 16]',
    '  prefered: 1',
    'preprocess: { std: [1, 0, 1] }',
  ].join('\n');
  t.deepEqual(problems(text), [
    `1:7: task: expected one of ${TASKS.join(', ')}, found the text "centreface" (did you mean centerface?)`,
    '3:10: input.width: expected a whole number from 1 to 16384, found 0',
    '4:11: input.height: expected a whole number from 1 to 16384, found the text "480" (remove the quotes)',
    '7:29: dynamic_batching.preferred_batch_size[1]: 16 is over max_batch_size, which is 4',
    '8:3: dynamic_batching.prefered: there is no such key (the keys here are preferred_batch_size, ' +
      'pad_to_sizes, max_queue_delay_microseconds, preserve_ordering, priority_levels, default_priority_level, ' +
      'default_queue_policy)',
    '9:24: preprocess.std[1]: must not be 0',
  ]);
});

test('task tensors may have no batch, and keys of pictures have no meaning there', (t) => {
  const config = (text: string) => parseModelConfig(`task: tensors\n${text}`, FILE);
  t.like(config(''), { max_batch_size: 8, batch_dimension: null });
  t.like(config('max_batch_size: 0'), { max_batch_size: 0, batch_dimension: false });
  t.like(config('max_batch_size: 2'), { max_batch_size: 2, batch_dimension: true });
  t.throws(() => config('postprocess: {}'), { message: /postprocess: has no meaning with task tensors/ });
  t.throws(() => config('dynamic_batching: { pad_to_sizes: [4, 2] }'), {
    message: /pad_to_sizes\[1\]: the sizes must ascend/,
  });
  t.throws(() => config('dynamic_batching: { pad_to_sizes: [16] }'), {
    message: /16 is over max_batch_size, which is 8/,
  });
  t.throws(() => parseModelConfig(`${GOOD}max_batch_size: 0`, FILE), {
    message: /0 has no meaning with task centerface/,
  });
});

test('the title of a report counts the problems', (t) => {
  t.throws(() => parseModelConfig(`${GOOD}a: 1\nb: 2`, FILE), {
    message: /^models\/face\/config\.yaml has 2 problems:/,
  });
  t.throws(() => parseModelConfig(`${GOOD}a: 1`, FILE), { message: /^models\/face\/config\.yaml has a problem:/ });
});

for (const [key, hint] of [
  ['instance_grop: 1', 'did you mean instance_group?'],
  ['maxBatchSize: 1', 'did you mean max_batch_size?'],
  ['max-batch-size: 1', 'did you mean max_batch_size?'],
  ['max_queue_size: 1', 'it belongs under dynamic_batching.default_queue_policy'],
  ['something: 1', 'CONFIG.md in the model repository lists the keys'],
  ['name: face', "remove it: the model's name is that of its directory"],
  ['platform: onnxruntime_onnx', 'remove it: the model file is ONNX, whatever runs it'],
  ['backend: tensorrt', 'remove it: the model file is ONNX, whatever runs it'],
] as const) {
  test(`the unknown key in \`${key}\` is answered with what to do`, (t) => {
    t.deepEqual(problems(GOOD + key), [`3:1: ${key.split(':')[0]}: there is no such key (${hint})`]);
  });
}

for (const [value, expected] of [
  ['instance_group: [{ count: 2 }]', /^3:17: instance_group: expected a mapping .*write it as a mapping/],
  ['instance_group: { kind: cpu }', /^3:25: instance_group.kind: .*did you mean KIND_CPU\?/],
  [
    'dynamic_batching: { preserve_ordering: yes }',
    /^3:40: .*expected true or false, found the text "yes" \(write true/,
  ],
  ['dynamic_batching: { preferred_batch_size: 4 }', /^3:43: .*found 4 \(write a list/],
  ['dynamic_batching: { default_priority_level: 2 }', /^3:45: .*2 is over priority_levels, which is 1/],
  ['version_policy: all', /^3:17: version_policy: .*write `version_policy: { all: {} }`/],
  ['version_policy: { latest: { num_versions: 1 }, all: {} }', /^3:17: version_policy: .*keep one of latest, all/],
  ['version_policy: { specific: { versions: [1, 0] } }', /^3:45: version_policy.specific.versions\[1\]: .*found 0$/],
  ['model_warmup: [{ batch_size: 9 }]', /^3:30: model_warmup\[0\].batch_size: 9 is over max_batch_size, which is 8/],
  [
    'postprocess: { score_activation: sigmoid }',
    /^3:34: postprocess.score_activation: has no meaning with task centerface/,
  ],
  ['postprocess: { strides: [8] }', /^3:25: postprocess.strides: has no meaning with task centerface: remove it/],
  ['postprocess: { anchors: [[1, 2]] }', /^3:25: postprocess.anchors: has no meaning with task centerface: remove it/],
  ['postprocess: { key_points: 3 }', /^3:28: postprocess.key_points: has no meaning with task centerface: remove it/],
  ['labels: ..', /^3:9: labels: must be the name of a file in the model directory/],
  ['default_model_filename: ../model.onnx', /^3:25: default_model_filename: must be the name of an .onnx file/],
  ['preprocess: { mean: [1, 2] }', /^3:21: preprocess.mean: expected a list of 3, each a number, found a list of 2/],
] as const) {
  test(`the value in \`${value}\` is located and explained`, (t) => {
    const [first = '', ...others] = problems(GOOD + value);
    t.regex(first, expected);
    t.deepEqual(others, []);
  });
}

test('a tensor that no machine should allocate is refused', (t) => {
  const [first = ''] = problems('task: embedding\ninput: { width: 16384, height: 16384 }');
  t.regex(first, /^2:8: input: a batch of 8 inputs of 16384 x 16384 takes 24\.0 GiB, over 2 GiB: lower max_batch_size/);
});

test('a missing key is reported where it should be', (t) => {
  t.deepEqual(problems('task: embedding\ninput:\n  width: 3\n'), [
    '2:1: input.height: the key is missing: expected a whole number from 1 to 16384 (Height of the network input, in pixels.)',
  ]);
});

test('syntax errors are reported with their places, without guesses about the rest', (t) => {
  const lines = problems('task: [centerface\nnope: 1\n\tx: 2\n');
  t.true(lines.length >= 1);
  t.true(lines.every((line) => /^\d+:\d+: /.test(line)));
  t.false(lines.some((line) => line.includes('there is no such key')));
});

test('a tab as indentation is named', (t) => {
  t.regex(problems('input:\n\twidth: 3\n')[0] ?? '', /^2:1: .*[Tt]abs.*indent with spaces/);
});

test('a key that is there twice does not hide the other problems', (t) => {
  t.deepEqual(problems('task: embedding\ninput: { width: 1, height: 0 }\ntask: embedding\n'), [
    '2:28: input.height: expected a whole number from 1 to 16384, found 0',
    '3:1: task: the key is there twice (keep one)',
  ]);
});

test('an empty file, a comment, a list and a bare word are no configuration', (t) => {
  for (const text of ['', '# nothing\n', '- a\n', 'word']) {
    const [first = '', ...others] = problems(text);
    t.regex(first, /^1:1: expected a mapping of keys to values, found .*the smallest configuration is/);
    t.deepEqual(others, []);
  }
});

test('a second document in the file is refused', (t) => {
  t.regex(problems(`${GOOD}---\n${GOOD}`)[0] ?? '', /^3:1: a second document starts here/);
});

test('aliases work, and are followed to the place of a problem', (t) => {
  t.deepEqual(parseModelConfig(`${GOOD}preprocess: { mean: &m [1, 2, 3], std: *m }`, FILE).preprocess.std, [1, 2, 3]);
  t.deepEqual(problems(`${GOOD}preprocess: { mean: &m [1, 0, 3], std: *m }`), [
    '3:28: preprocess.std[1]: must not be 0',
  ]);
});

test('aliases of aliases cannot fill the memory', (t) => {
  const levels = Array.from({ length: 8 }, (_, level) => {
    const item = level === 0 ? 'x' : `*a${level - 1}`;
    return `k${level}: &a${level} [${Array.from({ length: 9 }, () => item).join(', ')}]`;
  });
  t.regex(problems(levels.join('\n'))[0] ?? '', /alias/);
});

test('an alias of nothing is a problem of the file', (t) => {
  t.regex(problems('task: *nothing')[0] ?? '', /alias.*nothing/);
});

test('nesting that would exhaust the stack is one problem', (t) => {
  const lines = problems('['.repeat(60_000));
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /nested too deeply/);
});

test('a file that is far too long is not read', (t) => {
  t.deepEqual(problems('x'.repeat(70_000)), ['1:1: expected at most 65536 characters, found 70000']);
});

test('a report of very many problems ends with their number', (t) => {
  const lines = problems(Array.from({ length: 200 }, (_, index) => `wrong${index}: 1`).join('\n'));
  t.is(lines.length, 51);
  t.is(lines.at(-1), 'and 151 more');
});

test('keys that every object inherits are unknown keys', (t) => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.regex(problems(`${GOOD}${key}: { width: 1 }`)[0] ?? '', /^3:1: .*there is no such key/);
  }
});

const REPOSITORY = new URL('../../../model-repo/', import.meta.url);

for (const entry of readdirSync(REPOSITORY, { withFileTypes: true })) {
  const file = new URL(`${entry.name}/config.yaml`, REPOSITORY);
  if (!entry.isDirectory() || !existsSync(file)) continue;
  test(`the configuration of ${entry.name} in model-repo is good`, (t) => {
    t.notThrows(() => parseModelConfig(readFileSync(file, 'utf8'), file.pathname));
  });
}
