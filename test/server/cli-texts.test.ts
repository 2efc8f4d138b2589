import test from 'ava';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { encoderModel, VOCABULARY, wordsModel } from '../support/text-models.js';

async function fill(): Promise<TestRepository> {
  const repository = await TestRepository.create();
  const tokenizer = { max_length: 8 };
  await repository.write('words/vocab.txt', VOCABULARY);
  await repository.write('words/labels.txt', 'praise\nblame\n');
  await repository.addModel('words', { task: 'text_classification', labels: 'labels.txt', tokenizer }, wordsModel());
  await repository.write('encoder/vocab.txt', VOCABULARY);
  await repository.addModel('encoder', { task: 'text_embedding', tokenizer }, encoderModel());
  return repository;
}

test('classify tells the classes of each text in a line, and fails for one that is too long', async (t) => {
  await using repository = await fill();
  const texts = ['good / bad', 'bad', '! '.repeat(9)];
  const flags = ['--text', '--model-repository', repository.directory];
  const { code, stdout, stderr } = await sluice(['classify', ...flags, ...texts]);
  t.is(code, 1);
  t.deepEqual(stdout.trim().split('\n'), [
    '"good / bad": blame 2.750, praise 2.500',
    '"bad": blame 2.500, praise 0.500',
  ]);
  t.regex(stderr, /^"! ! .*INVALID_REQUEST: the text has more than 6 tokens/m);
  const one = await sluice(['classify', ...flags, '--top-k', '1', '--json', 'good']);
  t.is(one.code, 0, one.stderr);
  const { image, classifications } = JSON.parse(one.stdout) as { image: string; classifications: unknown };
  t.is(image, 'good');
  t.deepEqual(classifications, [{ classes: [{ classId: 0, label: 'praise', score: 2.5 }] }]);
});

test('embed turns texts into vectors', async (t) => {
  await using repository = await fill();
  const { code, stdout, stderr } = await sluice([
    'embed',
    '--text',
    '--model-repository',
    repository.directory,
    'good',
  ]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^"good": embedding of 2 values, length 1\.000$/m);
});

test('flags of classify that make no sense are refused', async (t) => {
  for (const flag of [
    ['--top-k', '0'],
    ['--top-k', 'x'],
    ['--score-threshold', '2'],
  ]) {
    const { code, stderr } = await sluice(['classify', ...flag, 'x.png']);
    t.not(code, 0);
    t.regex(stderr, /must be a (whole )?number/, flag.join(' '));
  }
});
