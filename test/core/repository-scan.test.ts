import { mkdir, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { scanModel, scanRepository, type ConfigParser, type ModelContent } from '../../server/core/repository-scan.js';
import { makeConfig } from '../support/requests.js';
import { TestRepository } from '../support/test-repository.js';

/** Stands in for the YAML parser: the file holds JSON. */
const parse: ConfigParser = (text, file) => {
  if (text.includes('broken')) throw new ServingError('CONFIG_INVALID', `${file}: broken`);
  return { config: makeConfig(JSON.parse(text) as Record<string, unknown>), warnings: [] };
};

const MODEL = new Uint8Array(8);

async function names(repository: TestRepository): Promise<string[]> {
  return (await scanRepository(repository.directory, parse)).map(({ name }) => name);
}

async function content(repository: TestRepository, name = 'cats'): Promise<ModelContent> {
  const snapshot = await scanModel(repository.directory, name, parse);
  if (snapshot === null) throw new Error('there is no such model');
  if (snapshot.content instanceof ServingError) throw snapshot.content;
  return snapshot.content;
}

async function problem(repository: TestRepository, name = 'cats'): Promise<ServingError | null> {
  const snapshot = await scanModel(repository.directory, name, parse);
  return snapshot?.content instanceof ServingError ? snapshot.content : null;
}

async function numbers(repository: TestRepository): Promise<number[]> {
  return (await content(repository)).versions.map(({ version }) => version);
}

test('every directory with a fitting name is a model, in the order of names', async (t) => {
  await using repository = await TestRepository.create();
  for (const name of ['b', 'a', 'Yolo-v8.1_x']) await repository.addModel(name, '{}', MODEL);
  t.deepEqual(await names(repository), ['Yolo-v8.1_x', 'a', 'b']);
});

test('hidden directories, files and names that do not fit are ignored', async (t) => {
  await using repository = await TestRepository.create();
  for (const name of ['.git', '-x', '_x', 'with space', 'naïve', 'a'.repeat(129)]) {
    await repository.addModel(name, '{}', MODEL);
  }
  await repository.write('README.md', 'models');
  t.deepEqual(await names(repository), []);
});

test('a link to a directory is a model, and one that leads nowhere is not', async (t) => {
  await using repository = await TestRepository.create();
  await using elsewhere = await TestRepository.create();
  await elsewhere.addModel('cats', '{}', MODEL);
  await symlink(join(elsewhere.directory, 'cats'), join(repository.directory, 'linked'));
  await symlink(join(elsewhere.directory, 'dogs'), join(repository.directory, 'dangling'));
  t.deepEqual(await names(repository), ['linked']);
});

test('a model name never leads out of the repository', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{}', MODEL);
  for (const name of ['..', '.', '', 'cats/../..', '../cats', 'cats/1', '/etc', 'cats\n', 'cats\0']) {
    t.is(await scanModel(repository.directory, name, parse), null, JSON.stringify(name));
  }
});

test('a repository that cannot be read throws', async (t) => {
  await using repository = await TestRepository.create();
  await t.throwsAsync(scanRepository(join(repository.directory, 'nowhere'), parse), { code: 'ENOENT' });
});

test('a model that is not there is null', async (t) => {
  await using repository = await TestRepository.create();
  await repository.write('file', 'not a directory');
  t.is(await scanModel(repository.directory, 'cats', parse), null);
  t.is(await scanModel(repository.directory, 'file', parse), null);
});

test('versions are positive numbers without leading zeros, in numeric order', async (t) => {
  await using repository = await TestRepository.create();
  await repository.configure('cats', '{}');
  for (const name of ['10', '9', '2', '0', '01', '007', '1.5', '-1', 'v1', '1e3', '1234567890', '.3']) {
    await repository.write(join('cats', name, 'model.onnx'), MODEL);
  }
  t.deepEqual(await numbers(repository), [2, 9, 10]);
});

test('a plain file named like a number is not a version', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{}', MODEL);
  await repository.write(join('cats', '2'), 'a stray file');
  t.deepEqual(await numbers(repository), [1]);
});

test('a version names its model file, by the default name or the configured one', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{}', MODEL);
  t.is((await content(repository)).versions[0]?.path, join(repository.directory, 'cats', '1', 'model.onnx'));
  await repository.configure('cats', '{"default_model_filename": "cats.onnx"}');
  t.is((await content(repository)).versions[0]?.path, join(repository.directory, 'cats', '1', 'cats.onnx'));
});

test('a version without its model file is known: loading it says what is missing', async (t) => {
  await using repository = await TestRepository.create();
  await repository.configure('cats', '{}');
  await mkdir(join(repository.directory, 'cats', '1'));
  t.deepEqual(await numbers(repository), [1]);
});

test('a model without a configuration says where to write one', async (t) => {
  await using repository = await TestRepository.create();
  await repository.write('cats/1/model.plan', MODEL);
  const error = await problem(repository);
  t.is(error?.code, 'CONFIG_INVALID');
  t.regex(error?.message ?? '', /cats.config\.yaml does not exist/);
});

test('a model file without a configuration is served as tensors', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addVersion('cats', 2, MODEL);
  const { config } = await content(repository);
  t.deepEqual([config.task, config.batch_dimension], ['tensors', null]);
  t.deepEqual(await numbers(repository), [2]);
});

test('a configuration with problems is reported as the parser reports it', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', 'broken', MODEL);
  t.is((await problem(repository))?.message, `${join(repository.directory, 'cats', 'config.yaml')}: broken`);
});

test('a configuration that cannot be read is reported with its path', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addVersion('cats', 1, MODEL);
  await mkdir(join(repository.directory, 'cats', 'config.yaml'));
  const error = await problem(repository);
  t.is(error?.code, 'MODEL_INVALID');
  t.true(error?.message.includes(join(repository.directory, 'cats')));
});

test('a model without a version says where to put the file', async (t) => {
  await using repository = await TestRepository.create();
  await repository.configure('cats', '{}');
  const error = await problem(repository);
  t.is(error?.code, 'MODEL_INVALID');
  t.true(error?.message.includes(join('cats', '1', 'model.onnx')));
});

test('one model with problems leaves the others alone', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('bad', 'broken', MODEL);
  await repository.addModel('good', '{}', MODEL);
  const [bad, good] = await scanRepository(repository.directory, parse);
  t.true(bad?.content instanceof ServingError);
  t.false(good?.content instanceof ServingError);
});

test('labels are the lines of the file, whatever its line ends', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{"labels": "labels.txt"}', MODEL);
  const cases: [string, string[]][] = [
    ['tabby\nsiamese\n', ['tabby', 'siamese']],
    ['tabby\r\nsiamese', ['tabby', 'siamese']],
    ['tabby\n\nsiamese\n', ['tabby', '', 'siamese']],
    ['', []],
  ];
  for (const [text, expected] of cases) {
    await repository.write('cats/labels.txt', text);
    t.deepEqual((await content(repository)).labels, expected, JSON.stringify(text));
  }
});

test('a model without the key labels has none', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{}', MODEL);
  await repository.write('cats/labels.txt', 'tabby');
  t.deepEqual((await content(repository)).labels, []);
});

test('a labels file that is missing is a problem of the configuration', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{"labels": "labels.txt"}', MODEL);
  t.is((await problem(repository))?.code, 'CONFIG_INVALID');
  t.regex((await problem(repository))?.message ?? '', /labels\.txt does not exist; or remove the key/);
});

test('the fingerprint changes with the file, the configuration and the labels, and with nothing else', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{"labels": "labels.txt"}', MODEL);
  await repository.write('cats/labels.txt', 'tabby');
  const fingerprint = async (): Promise<string> => (await content(repository)).versions[0]!.fingerprint;
  const seen = new Set([await fingerprint()]);

  await repository.write('cats/notes.txt', 'unrelated');
  await repository.addVersion('cats', 2, MODEL);
  seen.add(await fingerprint());
  t.is(seen.size, 1);

  await repository.write('cats/labels.txt', 'siamese');
  seen.add(await fingerprint());
  await repository.configure('cats', '{"labels": "labels.txt", "max_batch_size": 2}');
  seen.add(await fingerprint());
  await repository.addVersion('cats', 1, new Uint8Array(9));
  seen.add(await fingerprint());
  await utimes(join(repository.directory, 'cats', '1', 'model.onnx'), 1, 1);
  seen.add(await fingerprint());
  await repository.remove('cats/1/model.onnx');
  seen.add(await fingerprint());
  t.is(seen.size, 6);
});

test('a model that reads has its vocabulary in its directory, and is another one when that changes', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{"task":"text_embedding","tokenizer":{"vocab":"words.txt"}}', MODEL);
  const missing = await problem(repository);
  t.is(missing?.code, 'CONFIG_INVALID');
  t.regex(missing?.message ?? '', /cats\/words\.txt does not exist; put the vocabulary/);
  await repository.write('cats/words.txt', 'a');
  const fingerprint = async () => (await content(repository)).versions[0]!.fingerprint;
  const before = await fingerprint();
  t.is(await fingerprint(), before);
  await repository.write('cats/words.txt', 'a b');
  t.not(await fingerprint(), before);
});

/** As the parser, with a warning of its own. */
const noting: ConfigParser = (text, file, override) => {
  const { config } = parse(text, file, override);
  return { config, warnings: [{ place: file, path: 'a', instead: 'b' }] };
};

test('the configuration of Triton is read where there is no other, and warned of where there is', async (t) => {
  await using repository = await TestRepository.create();
  const directory = join(repository.directory, 'cats');
  await repository.addVersion('cats', 1, MODEL);
  await repository.write('cats/config.pbtxt', '{ "max_batch_size": 3 }');
  const alone = (await scanModel(repository.directory, 'cats', noting))!.content as ModelContent;
  t.is(alone.config.max_batch_size, 3);
  t.deepEqual(alone.warnings, [{ place: join(directory, 'config.pbtxt'), path: 'a', instead: 'b' }]);
  await repository.configure('cats', '{ "max_batch_size": 4 }');
  const both = (await scanModel(repository.directory, 'cats', noting))!.content as ModelContent;
  t.is(both.config.max_batch_size, 4);
  t.deepEqual(both.warnings, [
    { place: join(directory, 'config.pbtxt'), path: '', instead: 'config.yaml counts.' },
    { place: join(directory, 'config.yaml'), path: 'a', instead: 'b' },
  ]);
  t.not(both.versions[0]!.fingerprint, alone.versions[0]!.fingerprint);
});

const TENSORS = {
  task: 'tensors',
  input: undefined,
  tensors: { output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [2], label_filename: 'y.txt' }] },
};

test('outputs have labels of their own, and a change of them is a change of the version', async (t) => {
  await using repository = await TestRepository.create();
  const tensors: ConfigParser = () => ({ config: makeConfig(TENSORS), warnings: [] });
  const read = async () => (await scanModel(repository.directory, 'cats', tensors))!.content;
  await repository.addModel('cats', '{}', MODEL);
  t.regex(((await read()) as ServingError).message, /y\.txt does not exist; or remove the key `label_filename`$/);
  await repository.write('cats/y.txt', 'a cat\nno cat\n');
  const before = (await read()) as ModelContent;
  t.deepEqual([...before.outputLabels], [['y', ['a cat', 'no cat']]]);
  await repository.write('cats/y.txt', 'a cat\nnone\n');
  t.not(((await read()) as ModelContent).versions[0]!.fingerprint, before.versions[0]!.fingerprint);
});

test('the model file may be a directory that holds it', async (t) => {
  await using repository = await TestRepository.create();
  await repository.configure('cats', '{}');
  await repository.write('cats/1/model.onnx/model.onnx', MODEL);
  const [version] = (await content(repository)).versions;
  t.is(version!.path, join(repository.directory, 'cats', '1', 'model.onnx', 'model.onnx'));
});

test('a plan without its ONNX file is a problem of its version alone', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('cats', '{}', MODEL);
  await repository.write('cats/1/model.plan', MODEL);
  await repository.write('cats/2/model.plan', MODEL);
  const [first, second] = (await content(repository)).versions;
  t.is(first!.problem, undefined);
  t.is(second!.problem!.code, 'MODEL_INVALID');
  t.regex(second!.problem!.message, /2\/model\.plan is a plan.* put the ONNX file .* at \S+2\/model\.onnx/);
});

test('an ensemble has the versions that it has directories of, or one', async (t) => {
  await using repository = await TestRepository.create();
  const step = { model_name: 'a', input_map: { IN: 'x' }, output_map: { OUT: 'y' } };
  const tensor = { data_type: 'TYPE_FP32', dims: [] };
  const keys = {
    task: 'ensemble',
    input: undefined,
    tensors: { input: [{ name: 'x', ...tensor }], output: [{ name: 'y', ...tensor }] },
    ensemble_scheduling: { step: [step] },
  };
  const ensemble: ConfigParser = () => ({ config: makeConfig(keys), warnings: [] });
  const versions = async () => {
    const { content: found } = (await scanModel(repository.directory, 'cats', ensemble))!;
    return (found as ModelContent).versions.map(({ version }) => version);
  };
  await repository.configure('cats', '{}');
  t.deepEqual(await versions(), [1]);
  for (const name of ['7', '2', 'draft']) await mkdir(join(repository.directory, 'cats', name));
  t.deepEqual(await versions(), [2, 7]);
});
