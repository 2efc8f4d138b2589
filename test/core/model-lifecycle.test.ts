import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { ModelLifecycle } from '../../server/core/model-lifecycle.js';
import { settle } from '../support/batcher-bench.js';
import { describeStatus, FakeLoader, makeSnapshot } from '../support/fake-loader.js';

const BROKEN = new ServingError('MODEL_INVALID', 'the file is broken');
const BAD_CONFIG = new ServingError('CONFIG_INVALID', 'unknown key: taks');
const ALL = { version_policy: { all: {} } };

function open(loader: FakeLoader): ModelLifecycle {
  return new ModelLifecycle('cats', loader.load, loader.listener);
}

function states(lifecycle: ModelLifecycle): string[] {
  return lifecycle.status().map(describeStatus);
}

test('a version is LOADING until it is warm, then READY', async (t) => {
  const loader = new FakeLoader(() => null);
  const lifecycle = open(loader);
  const done = lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await settle();
  t.deepEqual(states(lifecycle), ['1 LOADING']);
  t.throws(() => lifecycle.model(1), { code: 'MODEL_NOT_READY', message: /version 1 is LOADING/ });
  t.throws(() => lifecycle.model(null), { code: 'MODEL_NOT_READY', message: /LOADING/ });
  loader.loads[0]?.finish();
  await done;
  t.deepEqual(states(lifecycle), ['1 READY']);
  t.is(lifecycle.model(1), await loader.loads[0]!.model);
  t.is(lifecycle.model(null).version, 1);
  t.deepEqual(loader.told, ['1 LOADING', '1 READY']);
});

test('a version that cannot be loaded is UNAVAILABLE with the reason', async (t) => {
  const lifecycle = open(new FakeLoader(() => BROKEN));
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(states(lifecycle), ['1 UNAVAILABLE: the file is broken']);
  t.throws(() => lifecycle.model(1), { code: 'MODEL_NOT_READY', message: /the file is broken/ });
  t.deepEqual(lifecycle.ready(), []);
});

test('the newest ready version answers where none is named', async (t) => {
  const loader = new FakeLoader(({ version }) => (version === 3 ? BROKEN : 'finish'));
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a', 2: 'a', 3: 'a' }, ALL));
  t.is(lifecycle.model(null).version, 2);
  t.throws(() => lifecycle.model(4), { code: 'VERSION_NOT_FOUND', message: /it serves 1, 2, 3/ });
});

test('the old version serves until the new one is ready, then the new one takes over', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'old' }));
  const old = lifecycle.model(1);
  loader.decide = () => null;
  const reload = lifecycle.reconcile(makeSnapshot({ 1: 'new' }));
  await settle();
  t.is(lifecycle.model(1), old);
  t.deepEqual(states(lifecycle), ['1 READY']);
  loader.loads[1]?.finish();
  await reload;
  t.not(lifecycle.model(1), old);
  await settle();
  t.true(loader.loads[0]?.executor.disposed);
  t.is(loader.loads[0]?.statistics.disposed, 1);
  t.false(loader.loads[1]?.executor.disposed);
});

test('a reload that fails keeps the old version and says why', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'old' }));
  const old = lifecycle.model(1);
  loader.decide = () => BROKEN;
  await lifecycle.reconcile(makeSnapshot({ 1: 'new' }));
  t.is(lifecycle.model(1), old);
  t.deepEqual(states(lifecycle), ['1 READY: the file is broken']);
  t.false(loader.loads[0]?.executor.disposed);
  loader.decide = () => 'finish';
  await lifecycle.reconcile(makeSnapshot({ 1: 'mended' }));
  t.deepEqual(states(lifecycle), ['1 READY']);
});

test('what has not changed is not loaded again', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  for (let round = 0; round < 3; round++) await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(loader.versions, [1]);
});

test('what failed is not tried again before it changes', async (t) => {
  const loader = new FakeLoader(() => BROKEN);
  const lifecycle = open(loader);
  for (let round = 0; round < 3; round++) await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(loader.versions, [1]);
  t.deepEqual(states(lifecycle), ['1 UNAVAILABLE: the file is broken']);
  loader.decide = () => 'finish';
  await lifecycle.reconcile(makeSnapshot({ 1: 'b' }));
  t.deepEqual(states(lifecycle), ['1 READY']);
});

test('a version that the policy leaves behind goes when its successor is ready', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  loader.decide = () => null;
  const change = lifecycle.reconcile(makeSnapshot({ 1: 'a', 2: 'a' }));
  await settle();
  t.deepEqual(states(lifecycle), ['1 READY', '2 LOADING']);
  t.is(lifecycle.model(null).version, 1);
  loader.loads[1]?.finish();
  await change;
  await settle();
  t.deepEqual(states(lifecycle), ['2 READY']);
  t.throws(() => lifecycle.model(1), { code: 'VERSION_NOT_FOUND' });
});

test('a version that the policy leaves behind stays while its successor cannot be loaded', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  loader.decide = () => BROKEN;
  await lifecycle.reconcile(makeSnapshot({ 1: 'a', 2: 'a' }));
  t.deepEqual(states(lifecycle), ['1 READY', '2 UNAVAILABLE: the file is broken']);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a', 2: 'a' }));
  t.is(lifecycle.model(null).version, 1);
});

test('a change of policy loads and unloads what it says', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  const files = { 1: 'a', 2: 'a', 3: 'a' };
  await lifecycle.reconcile(makeSnapshot(files));
  t.deepEqual(states(lifecycle), ['3 READY']);
  await lifecycle.reconcile(makeSnapshot(files, ALL));
  t.deepEqual(states(lifecycle), ['1 READY', '2 READY', '3 READY']);
  await lifecycle.reconcile(makeSnapshot(files, { version_policy: { specific: { versions: [2] } } }));
  await settle();
  t.deepEqual(states(lifecycle), ['2 READY']);
});

test('a policy that selects nothing says so', async (t) => {
  const lifecycle = open(new FakeLoader());
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }, { version_policy: { specific: { versions: [7] } } }));
  t.is(lifecycle.status()[0]?.state, 'UNAVAILABLE');
  t.regex(lifecycle.status()[0]?.reason ?? '', /names version 7, but there is no directory/);
});

test('a policy that selects nothing does not take away what serves', async (t) => {
  const lifecycle = open(new FakeLoader());
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }, { version_policy: { specific: { versions: [2] } } }));
  t.notThrows(() => lifecycle.model(null), 'the configuration is at fault, as any other that cannot be used');
});

test('a directory that cannot be used is one UNAVAILABLE without a version', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot(BAD_CONFIG));
  t.deepEqual(states(lifecycle), ['0 UNAVAILABLE: unknown key: taks']);
  t.deepEqual(loader.told, ['0 UNAVAILABLE: unknown key: taks']);
  t.throws(() => lifecycle.model(null), { code: 'MODEL_NOT_READY', message: /unknown key/ });
});

test('a configuration that breaks keeps what serves, with the reason', async (t) => {
  const lifecycle = open(new FakeLoader());
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await lifecycle.reconcile(makeSnapshot(BAD_CONFIG));
  t.deepEqual(states(lifecycle), ['1 READY: unknown key: taks']);
  t.is(lifecycle.model(null).version, 1);
});

test('a broken configuration that is put back as it was leaves no reason behind', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await lifecycle.reconcile(makeSnapshot(BAD_CONFIG));
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(states(lifecycle), ['1 READY']);
  t.deepEqual(loader.versions, [1]);
});

test('a version that failed keeps its own reason after a broken configuration is put back', async (t) => {
  const lifecycle = open(new FakeLoader(() => BROKEN));
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await lifecycle.reconcile(makeSnapshot(BAD_CONFIG));
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(states(lifecycle), ['1 UNAVAILABLE: the file is broken']);
});

test('changes are made one after the other, each from where the last one ended', async (t) => {
  const loader = new FakeLoader(() => null);
  const lifecycle = open(loader);
  const first = lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  const second = lifecycle.reconcile(makeSnapshot({ 1: 'b' }));
  const third = lifecycle.reconcile(null);
  await settle();
  t.deepEqual(
    loader.loads.map(({ fingerprint }) => fingerprint),
    ['a'],
  );
  loader.loads[0]?.finish();
  await first;
  await settle();
  t.deepEqual(
    loader.loads.map(({ fingerprint }) => fingerprint),
    ['a', 'b'],
  );
  loader.loads[1]?.finish();
  await Promise.all([second, third]);
  await settle();
  t.deepEqual(states(lifecycle), []);
  t.true(loader.loads.every(({ executor }) => executor.disposed));
});
