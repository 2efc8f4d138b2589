import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { networkInput } from '../../server/core/network-input.js';
import { FILE, GOOD, problems } from '../support/config-problems.js';

const INPUT_112 = 'task: embedding\ninput: { width: 112, height: 112 }\n';

test('without a word pictures are letterboxed, in colour, and boxes taken as they are', (t) => {
  const { preprocess } = parseModelConfig(GOOD, FILE);
  t.deepEqual([preprocess.resize, preprocess.color, preprocess.focus], ['letterbox', 'rgb', false]);
  t.deepEqual(preprocess.crop, { rule: 'none' });
});

test('the tensor has the channels of the colour, and four times as many of half the size with Focus', (t) => {
  const input = (preprocess: string) =>
    networkInput(parseModelConfig(`task: embedding\ninput: { width: 64, height: 32 }\n${preprocess}`, FILE));
  t.deepEqual(input(''), { channels: 3, height: 32, width: 64 });
  t.deepEqual(input('preprocess: { color: gray }'), { channels: 1, height: 32, width: 64 });
  t.deepEqual(input('preprocess: { focus: true }'), { channels: 12, height: 16, width: 32 });
});

test('a template can be named where the input has its size', (t) => {
  t.is(
    parseModelConfig(`${INPUT_112}preprocess: { alignment: arcface_112 }`, FILE).preprocess.alignment,
    'arcface_112',
  );
});

for (const [text, expected] of [
  ['resize: letterbox_round', /expected one of letterbox, .*did you mean letterbox_rounded\?/],
  ['crop: alphapose', /preprocess\.crop: expected a mapping with keys such as rule, scale/],
  [
    'resize: stretch, crop: { rule: alphapose }',
    /crop\.rule: alphapose keeps the aspect ratio .*set resize to letterbox/,
  ],
  ['crop: { scale: 1.5 }', /crop\.scale: has no meaning with rule none: set rule to aspect, or remove it/],
  ['crop: { rule: aspect, scale: 0 }', /crop\.scale: expected a number from 0\.1 to 10/],
  ['color: gray, mean: [0, 0, 1]', /preprocess\.mean: gray is one channel: give three times the same number/],
  ['color: gray, focus: true', /preprocess\.focus: has no meaning with color gray/],
  ['alignment: arcface_96x112', /arcface_96x112 is for an input of 96 x 112, which is 112 x 112/],
  [
    'alignment: arcface112',
    /expected one of arcface_112, arcface_96x112, or a list of 5, .*did you mean arcface_112\?/,
  ],
  ['alignment: [[1, 2], [3, 4]]', /preprocess\.alignment/],
] as const) {
  test(`\`preprocess: { ${text} }\` is refused`, (t) => {
    const found = problems(`${INPUT_112}preprocess: { ${text} }`);
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0]!, expected);
  });
}

test('sizes that Focus cannot halve are refused, each where it stands', (t) => {
  const text = [
    'task: embedding',
    'input: { width: 65, height: 64 }',
    'preprocess: { focus: true }',
    'tensorrt:',
    '  profiles:',
    '    - { batch: { min: 1, opt: 8, max: 8 }, height: { min: 31, opt: 64, max: 96 } }',
  ].join('\n');
  t.deepEqual(problems(text), [
    '2:17: input.width: 65 is odd: preprocess.focus halves it',
    '6:59: tensorrt.profiles[0].height.min: 31 is odd: preprocess.focus halves it',
  ]);
});
