import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { FILE, GOOD, problems } from '../support/config-problems.js';

test('a configuration without a word of TensorRT has every default of it', (t) => {
  const { tensorrt, instance_group: group } = parseModelConfig(GOOD, FILE);
  t.deepEqual(tensorrt, {
    precision: 'fp16',
    tf32: true,
    optimization_level: 3,
    version_compatible: false,
    strip_weights: false,
    refit: false,
    hardware_compatibility: 'none',
    plugins: [],
    cuda_graphs: true,
    execution_contexts: 2,
    while_building: 'wait',
  });
  t.is(group.gpus, undefined, 'all');
});

test('a calibration of one key has every default of it', (t) => {
  const text = `${GOOD}tensorrt: { precision: int8, calibration: { directory: pictures } }`;
  t.deepEqual(parseModelConfig(text, FILE).tensorrt.calibration, {
    directory: 'pictures',
    algorithm: 'entropy',
    batch_size: 8,
    max_pictures: 500,
    held_back: 0.1,
    accuracy_floor: 0,
  });
});

const range = (min: number, opt: number, max: number) => `{ min: ${min}, opt: ${opt}, max: ${max} }`;

for (const [profiles, expected] of [
  [`[{ batch: ${range(1, 4, 8)} }]`, []],
  [`[{ batch: ${range(1, 1, 1)} }, { batch: ${range(2, 8, 8)} }]`, []],
  [`[{ batch: ${range(1, 8, 4)} }]`, [/^3:33: tensorrt\.profiles\[0\]\.batch: expected min <= opt <= max$/]],
  [`[{ batch: ${range(1, 8, 16)} }]`, [/profiles\[0\]\.batch: 16 is over max_batch_size, which is 8$/]],
  [
    `[{ batch: ${range(1, 1, 2)} }, { batch: ${range(4, 8, 8)} }]`,
    [/^3:23: tensorrt\.profiles: no profile takes a batch of 3; batches have 1 to max_batch_size rows, which is 8$/],
  ],
  [`[{ batch: ${range(1, 1, 7)} }]`, [/no profile takes a batch of 8;/]],
  [`[{ batch: ${range(1, 8, 8)}, height: ${range(240, 480, 960)}, width: ${range(640, 640, 640)} }]`, []],
  [
    `[{ batch: ${range(1, 8, 8)}, height: ${range(1, 2, 3)}, width: ${range(641, 642, 643)} }]`,
    [
      /profiles\[0\]\.height: 1 to 3 leaves out input\.height, which is 480$/,
      /profiles\[0\]\.width: 641 to 643 leaves out input\.width, which is 640$/,
    ],
  ],
  ['[]', [/profiles: expected a list of at least 1/]],
] as const) {
  test(`profiles \`${profiles}\` are answered with problems: ${expected.length}`, (t) => {
    const found = problems(`${GOOD}tensorrt: { profiles: ${profiles} }`);
    t.is(found.length, expected.length, found.join('\n'));
    expected.forEach((pattern, index) => t.regex(found[index]!, pattern));
  });
}

for (const [inputs, expected] of [
  ['{ x: { min: [1, 2], opt: [3, 2], max: [4, 2] } }', null],
  [
    '{ x: { min: [1], opt: [3, 2], max: [4, 2] } }',
    /inputs\.x: expected as many sizes in each, and min <= opt <= max$/,
  ],
  ['{ x: { min: [2], opt: [1], max: [4] } }', /inputs\.x: expected as many sizes in each, and min <= opt <= max$/],
  ['{ x: { min: [0], opt: [1], max: [4] } }', /inputs\.x\.min\[0\]: /],
] as const) {
  test(`sizes of inputs are ${expected === null ? 'taken' : 'refused'}: ${inputs}`, (t) => {
    const found = problems(`task: tensors\ntensorrt: { profiles: [{ inputs: ${inputs} }] }\n`);
    t.is(found.length, expected === null ? 0 : 1, found.join('\n'));
    if (expected !== null) t.regex(found[0]!, expected);
  });
}

test('sizes of inputs are for tensors alone', (t) => {
  const inputs = '{ x: { min: [1], opt: [1], max: [1] } }';
  const [found] = problems(`${GOOD}tensorrt: { profiles: [{ inputs: ${inputs} }] }`);
  t.regex(found!, /profiles\[0\]\.inputs: has no meaning with task centerface/);
});

for (const [value, expected] of [
  ['instance_group: { gpus: [0, 1, 0] }', /^3:25: instance_group\.gpus: expected each GPU once$/],
  ['instance_group: { gpus: [] }', /instance_group\.gpus: expected a list of at least 1/],
  ['instance_group: { gpus: 0 }', /instance_group\.gpus: .*\(write a list: `\[ \.\.\. \]`\)$/],
  [
    'instance_group: { kind: KIND_CPU, gpus: [0] }',
    /instance_group\.gpus: has no meaning with kind KIND_CPU: remove one of the two$/,
  ],
  ['tensorrt: { precision: half }', /tensorrt\.precision: expected one of fp32, fp16, int8, strongly_typed/],
  ['tensorrt: { optimization_level: 6 }', /optimization_level: expected a whole number from 0 to 5, found 6$/],
  ['tensorrt: { plugins: [mine.dll] }', /tensorrt\.plugins\[0\]: must be the path of a shared library \(\.so\)/],
  ['tensorrt: { calibration: {} }', /tensorrt\.calibration\.directory: the key is missing/],
  ['tensorrt: { calibration: { directory: a, held_back: 0.6 } }', /held_back: expected a number from 0 to 0\.5/],
  ['tensorrt: { execution_context: 2 }', /there is no such key \(did you mean execution_contexts\?\)$/],
  ['while_building: cpu', /there is no such key \(it belongs under tensorrt\)$/],
  ['optimization: {}', /there is no such key \(what TensorRT is to do stands under `tensorrt`\)$/],
] as const) {
  test(`the value in \`${value}\` is located and explained`, (t) => {
    const [first = '', ...others] = problems(GOOD + value);
    t.regex(first, expected);
    t.deepEqual(others, []);
  });
}
