import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { ModelRepository, type RepositoryOptions } from '../../server/core/model-repository.js';
import { settle } from '../support/batcher-bench.js';
import { describeStatus, FakeLoader } from '../support/fake-loader.js';
import { makeConfig } from '../support/requests.js';
import { TestRepository } from '../support/test-repository.js';

const BROKEN = new ServingError('MODEL_INVALID', 'the file is broken');
const MODEL = new Uint8Array(8);

function open(files: TestRepository, loader: FakeLoader, options: Partial<RepositoryOptions> = {}): ModelRepository {
  return new ModelRepository({
    directory: files.directory,
    controlMode: 'poll',
    loadAtStart: [],
    parseConfig: (text) => ({ config: makeConfig(JSON.parse(text) as Record<string, unknown>), warnings: [] }),
    load: loader.load,
    warn: () => {},
    listener: loader.listener,
    ...options,
  });
}

function index(repository: ModelRepository): string[] {
  return repository.index().flatMap(({ name, versions }) => versions.map((each) => `${name} ${describeStatus(each)}`));
}

/** A repository of the models `cats` and `dogs`. */
async function catsAndDogs(): Promise<TestRepository> {
  const files = await TestRepository.create();
  for (const name of ['cats', 'dogs']) await files.addModel(name, '{}', MODEL);
  return files;
}

for (const controlMode of ['none', 'poll'] as const) {
  test(`with the control mode ${controlMode} every model is loaded at start`, async (t) => {
    await using files = await catsAndDogs();
    const repository = open(files, new FakeLoader(), { controlMode });
    await repository.start();
    t.deepEqual(index(repository), ['cats 1 READY', 'dogs 1 READY']);
    t.is(repository.ready().length, 2);
  });
}

test('with the control mode explicit only what is named is loaded at start', async (t) => {
  await using files = await catsAndDogs();
  const none = open(files, new FakeLoader(), { controlMode: 'explicit' });
  await none.start();
  t.deepEqual(index(none), []);
  t.throws(() => none.acquire('cats', null), { code: 'MODEL_NOT_FOUND', message: /no models are loaded/ });
  const one = open(files, new FakeLoader(), { controlMode: 'explicit', loadAtStart: ['dogs'] });
  await one.start();
  t.deepEqual(index(one), ['dogs 1 READY']);
  const all = open(files, new FakeLoader(), { controlMode: 'explicit', loadAtStart: ['*'] });
  await all.start();
  t.deepEqual(index(all), ['cats 1 READY', 'dogs 1 READY']);
});

test('a model to load at start that is not there ends the start', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader, { controlMode: 'explicit', loadAtStart: ['cats', 'birds'] });
  await t.throwsAsync(repository.start(), { code: 'MODEL_NOT_FOUND', message: /"birds"/ });
  t.deepEqual(loader.loads, []);
});

test('a repository that cannot be read ends the start with the option to set', async (t) => {
  await using files = await TestRepository.create();
  const repository = open(files, new FakeLoader(), { directory: `${files.directory}/nowhere` });
  await t.throwsAsync(repository.start(), { code: 'CONFIG_INVALID', message: /nowhere.*--model-repository/ });
});

test('start resolves when each model is READY or UNAVAILABLE', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader(() => null);
  const repository = open(files, loader);
  let started = false;
  const start = repository.start().then(() => (started = true));
  while (loader.loads.length < 2) await settle();
  loader.loads[0]?.finish();
  await settle();
  t.false(started);
  loader.loads[1]?.fail(BROKEN);
  await start;
  t.is(repository.index().length, 2);
  t.is(repository.ready().length, 1);
});

test('acquire gives a lease on the version asked for, or the newest', async (t) => {
  await using files = await TestRepository.create();
  await files.addModel('cats', '{"version_policy": {"all": {}}}', MODEL);
  await files.addVersion('cats', 2, MODEL);
  const repository = open(files, new FakeLoader());
  await repository.start();
  t.is(repository.acquire('cats', 1).model.version, 1);
  t.is(repository.acquire('cats', null).model.version, 2);
});

test('acquire says what is wrong and what there is', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader(() => BROKEN);
  const repository = open(files, loader);
  t.throws(() => repository.acquire('cats', null), { code: 'MODEL_NOT_READY', message: /"cats".*starting/ });
  await repository.start();
  t.throws(() => repository.acquire('birds', null), { code: 'MODEL_NOT_FOUND', message: /"birds".*cats, dogs/ });
  t.throws(() => repository.acquire('cats', 7), { code: 'VERSION_NOT_FOUND', message: /version 7.*serves 1/ });
  t.throws(() => repository.acquire('cats', 1), { code: 'MODEL_NOT_READY', message: /the file is broken/ });
  t.throws(() => repository.acquire('..', null), { code: 'MODEL_NOT_FOUND' });
});

test('refresh loads what is new, reloads what has changed and unloads what has gone', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader);
  await repository.start();
  await files.remove('cats');
  await files.addVersion('dogs', 1, new Uint8Array(9));
  await files.addModel('birds', '{}', MODEL);
  await repository.refresh();
  t.deepEqual(index(repository), ['birds 1 READY', 'dogs 1 READY']);
  t.is(loader.loads.length, 4);
  t.throws(() => repository.acquire('cats', null), { code: 'MODEL_NOT_FOUND' });
  await repository.refresh();
  t.is(loader.loads.length, 4, 'nothing has changed since');
});

test('refresh keeps everything when the repository cannot be read', async (t) => {
  await using files = await catsAndDogs();
  const repository = open(files, new FakeLoader());
  await repository.start();
  await files[Symbol.asyncDispose]();
  await t.throwsAsync(repository.refresh(), { code: 'CONFIG_INVALID' });
  t.is(repository.ready().length, 2);
});

test('refresh keeps what serves when its configuration breaks', async (t) => {
  await using files = await catsAndDogs();
  const repository = open(files, new FakeLoader());
  await repository.start();
  await files.configure('cats', '{"max_batch_size": "eight"}');
  await repository.refresh();
  t.is(repository.acquire('cats', null).model.version, 1);
  t.regex(index(repository)[0] ?? '', /^cats 1 READY: .*max_batch_size/s);
});

test('load brings a model in, and up to date', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader, { controlMode: 'explicit' });
  await repository.start();
  await repository.load('cats');
  t.deepEqual(index(repository), ['cats 1 READY']);
  await files.addVersion('cats', 2, MODEL);
  await repository.load('cats');
  t.deepEqual(index(repository), ['cats 2 READY']);
  t.deepEqual(loader.versions, [1, 2]);
});

test('load says why a model could not be loaded, and that there is none', async (t) => {
  await using files = await catsAndDogs();
  const repository = open(files, new FakeLoader(() => BROKEN), { controlMode: 'explicit' });
  await t.throwsAsync(repository.load('cats'), { instanceOf: ServingError, message: /the file is broken/ });
  await t.throwsAsync(repository.load('birds'), { code: 'MODEL_NOT_FOUND' });
  await t.throwsAsync(repository.load('../cats'), { code: 'MODEL_NOT_FOUND' });
});

test('load succeeds once a configuration that was broken is put back', async (t) => {
  await using files = await catsAndDogs();
  const repository = open(files, new FakeLoader(), { controlMode: 'explicit' });
  await repository.load('cats');
  await files.configure('cats', '{"max_batch_size": "eight"}');
  await t.throwsAsync(repository.load('cats'), { message: /max_batch_size/ });
  await files.configure('cats', '{}');
  await t.notThrowsAsync(repository.load('cats'));
});

test('unload resolves when the memory is free, and the model can be loaded again', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader, { controlMode: 'explicit' });
  await repository.load('cats');
  const lease = repository.acquire('cats', null);
  let unloaded = false;
  const unload = repository.unload('cats').then(() => (unloaded = true));
  await settle();
  t.false(unloaded);
  t.throws(() => repository.acquire('cats', null), { code: 'MODEL_NOT_READY' });
  lease[Symbol.dispose]();
  await unload;
  t.true(loader.loads[0]?.executor.disposed);
  t.deepEqual(repository.index(), []);
  await t.throwsAsync(repository.unload('cats'), { code: 'MODEL_NOT_FOUND' });
  await repository.load('cats');
  t.deepEqual(index(repository), ['cats 1 READY']);
});

test('a load during an unload brings the model back', async (t) => {
  await using files = await catsAndDogs();
  const repository = open(files, new FakeLoader(), { controlMode: 'explicit' });
  await repository.load('cats');
  const lease = repository.acquire('cats', null);
  const unload = repository.unload('cats');
  await repository.load('cats');
  lease[Symbol.dispose]();
  await unload;
  t.deepEqual(index(repository), ['cats 1 READY']);
  t.notThrows(() => repository.acquire('cats', null));
});

test('disposing refuses new leases at once and waits for those given out', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader);
  await repository.start();
  const lease = repository.acquire('cats', null);
  let disposed = false;
  const dispose = repository[Symbol.asyncDispose]().then(() => (disposed = true));
  t.throws(() => repository.acquire('cats', null), { code: 'SHUTTING_DOWN' });
  t.throws(() => repository.acquire('birds', null), { code: 'SHUTTING_DOWN' });
  await settle();
  t.false(disposed);
  lease[Symbol.dispose]();
  await dispose;
  t.true(loader.loads.every(({ executor }) => executor.disposed));
});

test('disposing during the start leaves nothing loaded', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader(() => null);
  const repository = open(files, loader);
  const start = repository.start();
  while (loader.loads.length < 2) await settle();
  const dispose = repository[Symbol.asyncDispose]();
  for (const load of loader.loads) load.finish();
  await Promise.all([start, dispose]);
  t.true(loader.loads.every(({ executor }) => executor.disposed));
  t.deepEqual(repository.ready(), []);
});

test('a model cannot be loaded once the repository is disposed', async (t) => {
  await using files = await catsAndDogs();
  const loader = new FakeLoader();
  const repository = open(files, loader, { controlMode: 'explicit' });
  await repository[Symbol.asyncDispose]();
  await t.throwsAsync(repository.load('cats'), { code: 'SHUTTING_DOWN' });
  t.deepEqual(loader.loads, []);
});

/** A model that runs others, by name. */
function ensembleOf(...models: readonly string[]): string {
  const tensor = { data_type: 'TYPE_FP32', dims: [1] };
  return JSON.stringify({
    task: 'ensemble',
    input: null,
    tensors: { input: [{ name: 'x', ...tensor }], output: [{ name: 'y0', ...tensor }] },
    ensemble_scheduling: {
      step: models.map((model, index) => ({
        model_name: model,
        input_map: { IN: 'x' },
        output_map: { OUT: `y${index}` },
      })),
    },
  });
}

const parseEnsembles: RepositoryOptions['parseConfig'] = (text) => {
  const keys = JSON.parse(text) as Record<string, unknown>;
  return { config: makeConfig(keys['task'] === 'ensemble' ? { ...keys, input: undefined } : keys), warnings: [] };
};

test('ensembles may run one another, but not in a circle', async (t) => {
  await using files = await catsAndDogs();
  await files.configure('inner', ensembleOf('cats'));
  await files.configure('outer', ensembleOf('dogs', 'inner'));
  await files.configure('self', ensembleOf('self'));
  await files.configure('a', ensembleOf('b'));
  await files.configure('b', ensembleOf('cats', 'c'));
  await files.configure('c', ensembleOf('a'));
  const repository = open(files, new FakeLoader(), { parseConfig: parseEnsembles });
  await repository.start();
  const { signal } = new AbortController();
  await t.notThrowsAsync(repository.whenReady('inner', null, 'outer', signal));
  const circle = (user: string) => ({
    code: 'MODEL_INVALID',
    message: new RegExp(`runs ${user} in turn; .* in a circle`),
  });
  await t.throwsAsync(repository.whenReady('self', null, 'self', signal), circle('self'));
  await t.throwsAsync(repository.whenReady('b', null, 'a', signal), circle('a'));
});

test('an ensemble that failed for want of a model is tried again when that one serves', async (t) => {
  await using files = await catsAndDogs();
  await files.configure('both', ensembleOf('cats', 'birds'));
  const serves = (name: string) => index(repository).includes(`${name} 1 READY`);
  const loader = new FakeLoader(({ name }) => {
    if (name === 'birds') return null;
    return name === 'both' && !serves('birds') ? BROKEN : 'finish';
  });
  const repository = open(files, loader, { parseConfig: parseEnsembles });
  await repository.start();
  t.false(serves('both'));
  await files.addModel('birds', '{}', MODEL);
  const refresh = repository.refresh();
  while (loader.loads.at(-1)!.name !== 'birds') await settle();
  await settle();
  loader.loads.at(-1)!.finish();
  await refresh;
  while (!serves('both')) await settle();
  t.true(serves('birds'));
});

test('what a configuration says and is not done is told once, and again when it changes', async (t) => {
  await using files = await catsAndDogs();
  const told: string[] = [];
  const repository = open(files, new FakeLoader(), {
    parseConfig: (text) => {
      const { warnings = [], ...keys } = JSON.parse(text) as { readonly warnings?: readonly string[] };
      const of = warnings.map((path) => ({ place: 'file', path, instead: 'nothing' }));
      return { config: makeConfig(keys), warnings: of };
    },
    warn: (model, { path }) => told.push(`${model} ${path}`),
  });
  await files.configure('cats', '{ "warnings": ["a", "b"] }');
  await repository.start();
  await repository.refresh();
  t.deepEqual(told, ['cats a', 'cats b']);
  await files.configure('cats', '{ "warnings": ["b"] }');
  await repository.refresh();
  t.deepEqual(told, ['cats a', 'cats b', 'cats b']);
});
