import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { callError } from '../support/call-error.js';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { Operator } from '../support/operator.js';
import { Serving } from '../support/serving.js';
import type { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 } };

async function good(repository: TestRepository): Promise<void> {
  await repository.addModel('means', MEANS, meansModel(8, 8));
}

async function goodAndBroken(repository: TestRepository): Promise<void> {
  await good(repository);
  await repository.addModel('broken', MEANS, new Uint8Array(10));
}

test.serial('Check tells of the server, of its inference service and of each model', async (t) => {
  await using serving = await Serving.start(good);
  using health = new HealthClient(serving.server.grpcAddress);
  for (const name of ['', 'sluice.v1.Inference', 'means']) t.is(await health.check(name), 'SERVING', name);
});

test.serial('Check of a name that is unknown is NOT_FOUND, and Watch of it waits for it', async (t) => {
  await using serving = await Serving.start(good);
  using health = new HealthClient(serving.server.grpcAddress);
  t.is((await callError(health.check('nosuch'))).code, Status.NOT_FOUND);
  const watch = health.watch('nosuch');
  await eventually('the watch is answered', () => watch.statuses.length > 0);
  t.deepEqual(watch.statuses, ['SERVICE_UNKNOWN']);
  watch.cancel();
  t.is((await watch.ended).code, Status.CANCELLED);
});

test.serial('List tells of everything at once', async (t) => {
  await using serving = await Serving.start(good);
  using health = new HealthClient(serving.server.grpcAddress);
  const { means, ...server } = await health.list();
  t.is(means, 'SERVING');
  const services = { 'sluice.v1.Inference': 'SERVING', 'inference.GRPCInferenceService': 'SERVING' };
  t.deepEqual(server, { '': 'SERVING', ...services });
});

test.serial(
  'with strict readiness a broken model keeps the server as a whole from SERVING, not the others',
  async (t) => {
    await using serving = await Serving.start(goodAndBroken);
    using health = new HealthClient(serving.server.grpcAddress);
    using operator = await Operator.of(serving.server);
    t.is(await health.check(''), 'NOT_SERVING');
    t.is(await health.check('sluice.v1.Inference'), 'NOT_SERVING');
    t.is(await health.check('broken'), 'NOT_SERVING');
    t.is(await health.check('means'), 'SERVING');
    const { status, ready, reason, not_ready: notReady } = await operator.readiness();
    t.deepEqual([status, ready, reason], [503, false, null]);
    t.deepEqual(
      notReady.map(({ model, version, state }) => [model, version, state]),
      [['broken', 1, 'UNAVAILABLE']],
    );
  },
);

test.serial('without strict readiness a broken model is told and keeps nothing back', async (t) => {
  await using serving = await Serving.start(goodAndBroken, ['--strict-readiness', 'false']);
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  t.is(await health.check(''), 'SERVING');
  t.is(await health.check('broken'), 'NOT_SERVING');
  const { status, ready, not_ready: notReady } = await operator.readiness();
  t.deepEqual([status, ready, notReady.length], [200, true, 1]);
});

test.serial('Watch tells of a model that comes, breaks nothing by reloading, and goes', async (t) => {
  await using serving = await Serving.start(good, ['--model-control-mode', 'explicit']);
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  const watch = health.watch('means');
  await eventually('the watch is answered', () => watch.now === 'SERVICE_UNKNOWN');
  await operator.client.load('means');
  await eventually('the model serves', () => watch.now === 'SERVING');
  const seen = watch.statuses.length;
  await serving.repository.configure('means', { ...MEANS, preprocess: { scale: 2 } });
  await operator.client.load('means');
  t.true(watch.statuses.slice(seen).every((status) => status === 'SERVING'));
  await operator.client.unload('means');
  await eventually('the model is gone', () => watch.now === 'SERVICE_UNKNOWN');
  watch.cancel();
});

test.serial('a model that was unloaded is unknown to Check and List', async (t) => {
  await using serving = await Serving.start(good, ['--model-control-mode', 'explicit', '--load-model', 'means']);
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  t.is(await health.check('means'), 'SERVING');
  await operator.client.unload('means');
  t.is((await callError(health.check('means'))).code, Status.NOT_FOUND);
  t.false('means' in (await health.list()));
});

test.serial('Watch tells each status once', async (t) => {
  await using serving = await Serving.start(good, ['--model-control-mode', 'explicit']);
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  const [server, model] = [health.watch(''), health.watch('means')];
  await operator.client.load('means');
  await operator.client.unload('means');
  await operator.client.load('means');
  await eventually('both tell the last status', () => server.now === 'SERVING' && model.now === 'SERVING');
  for (const { statuses } of [server, model]) {
    t.false(
      statuses.some((status, index) => status === statuses[index - 1]),
      statuses.join(),
    );
  }
  for (const watch of [server, model]) watch.cancel();
});

test.serial('Watch tells that the server drains, and then ends', async (t) => {
  await using serving = await Serving.start(good, ['--exit-timeout', '10']);
  using health = new HealthClient(serving.server.grpcAddress);
  const watches = ['', 'sluice.v1.Inference', 'means'].map((name) => health.watch(name));
  await eventually('all serve', () => watches.every(({ now }) => now === 'SERVING'));
  serving.server.signal('SIGTERM');
  await Promise.all(watches.map(({ ended }) => ended));
  for (const { now } of watches) t.is(now, 'NOT_SERVING');
});

test.serial('those who only watch do not hold up the end of the server', async (t) => {
  await using serving = await Serving.start(good, ['--exit-timeout', '10']);
  using health = new HealthClient(serving.server.grpcAddress);
  const watch = health.watch('');
  await eventually('it serves', () => watch.now === 'SERVING');
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
});
