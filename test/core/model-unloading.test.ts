import test from 'ava';
import { ModelLifecycle } from '../../server/core/model-lifecycle.js';
import type { ModelLease } from '../../server/core/model.js';
import { settle } from '../support/batcher-bench.js';
import { describeStatus, FakeLoader, makeSnapshot } from '../support/fake-loader.js';
import { makeRequest } from '../support/requests.js';

/** The end of loaded versions, and leases, which put it off. */

function open(loader: FakeLoader): ModelLifecycle {
  return new ModelLifecycle('cats', loader.load, loader.listener);
}

function states(lifecycle: ModelLifecycle): string[] {
  return lifecycle.status().map(describeStatus);
}

/** Version 1 is loaded and unloaded twice; the leases keep both of its models alive. */
async function loadAndUnloadTwice(lifecycle: ModelLifecycle): Promise<[ModelLease, ModelLease]> {
  const loadAndUnload = async (): Promise<ModelLease> => {
    await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
    const lease = lifecycle.model(1).lease();
    await lifecycle.reconcile(null);
    return lease;
  };
  return [await loadAndUnload(), await loadAndUnload()];
}

test('a version that is gone from disk is unloaded', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a', 2: 'a' }, { version_policy: { all: {} } }));
  await lifecycle.reconcile(makeSnapshot({ 2: 'a' }, { version_policy: { all: {} } }));
  await settle();
  t.deepEqual(states(lifecycle), ['2 READY']);
  t.true(loader.loads[0]?.executor.disposed);
  t.deepEqual(loader.told.slice(-2), ['1 UNLOADING', 'gone']);
});

test('a lease keeps a replaced version alive until it is released', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'old' }));
  const lease = lifecycle.model(1).lease();
  const second = lifecycle.model(1).lease();
  await lifecycle.reconcile(makeSnapshot({ 1: 'new' }));
  const [old] = loader.loads;
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  await settle();
  t.false(old?.executor.disposed, 'a lease that is disposed twice counts once');
  const ticket = lease.enqueue(makeRequest(0));
  lease[Symbol.dispose]();
  await settle();
  t.false(old?.executor.disposed, 'a request is still running');
  old?.executor.running[0]?.finish();
  t.like(await ticket.response, { width: 64 });
  await settle();
  t.true(old?.executor.disposed);
});

test('close waits for leases, and its versions answer no more', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  const lease = lifecycle.model(1).lease();
  let closed = false;
  const close = lifecycle.close().then(() => (closed = true));
  await settle();
  t.false(closed);
  t.deepEqual(states(lifecycle), ['1 UNLOADING']);
  t.throws(() => lifecycle.model(null), { code: 'MODEL_NOT_READY', message: /UNLOADING/ });
  t.throws(() => lifecycle.model(1), { code: 'MODEL_NOT_READY', message: /UNLOADING/ });
  lease[Symbol.dispose]();
  await close;
  t.true(loader.loads[0]?.executor.disposed);
  t.deepEqual(states(lifecycle), []);
});

test('a version that is wanted again while it unloads is loaded anew', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  const lease = lifecycle.model(1).lease();
  await lifecycle.reconcile(null);
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  t.deepEqual(states(lifecycle), ['1 READY']);
  lease[Symbol.dispose]();
  await settle();
  t.deepEqual(states(lifecycle), ['1 READY']);
  t.deepEqual(
    loader.loads.map(({ executor }) => executor.disposed),
    [true, false],
  );
});

test('a model that ends late does not hide its successor, which still unloads', async (t) => {
  const lifecycle = open(new FakeLoader());
  const [first] = await loadAndUnloadTwice(lifecycle);
  first[Symbol.dispose]();
  await settle();
  t.deepEqual(states(lifecycle), ['1 UNLOADING']);
});

test('a model that ends late takes nothing away from what serves', async (t) => {
  const loader = new FakeLoader();
  const lifecycle = open(loader);
  const [first, second] = await loadAndUnloadTwice(lifecycle);
  first[Symbol.dispose]();
  await settle();
  await lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  second[Symbol.dispose]();
  await settle();
  t.deepEqual(states(lifecycle), ['1 READY']);
  t.notThrows(() => lifecycle.model(1));
  await lifecycle.close();
  t.true(loader.loads.every(({ executor }) => executor.disposed));
});

test('what still loads is told to end when the model is closed, and what is loaded afterwards is not', async (t) => {
  const loader = new FakeLoader(() => null);
  const signals: AbortSignal[] = [];
  const lifecycle = new ModelLifecycle(
    'cats',
    (name, content, file, signal) => {
      signals.push(signal);
      signal.addEventListener('abort', () => loader.loads[0]?.fail(signal.reason as Error));
      return loader.load(name, content, file, signal);
    },
    loader.listener,
  );
  void lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await settle();
  await lifecycle.close();
  t.true(signals[0]?.aborted);
  t.deepEqual(loader.told, ['1 LOADING', '1 UNAVAILABLE: model cats is being unloaded', '1 UNLOADING', 'gone']);
  void lifecycle.reconcile(makeSnapshot({ 1: 'a' }));
  await settle();
  t.false(signals[1]?.aborted);
  loader.loads[1]?.finish();
  await settle();
  t.deepEqual(states(lifecycle), ['1 READY']);
});
