import { join } from 'node:path';
import test from 'ava';
import { PlanBuilds, type PlanBuildsOptions, type PlanOutcome } from '../../server/plan-builds.js';
import type { DeviceReport } from '../../server/runtime/device-probe.js';
import { FakeBuilds, found, gpu, none } from '../support/fake-gpu.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 } };

/** A repository with models of each kind: `old` has two versions, `broken` no input, `cpu` needs no GPU. */
async function fill(repository: TestRepository): Promise<void> {
  await repository.addModel('old', MEANS, meansModel(8, 8));
  await repository.addVersion('old', 2, meansModel(8, 8));
  await repository.addModel('broken', { task: 'embedding' }, meansModel(8, 8));
  await repository.addModel('cpu', { ...MEANS, instance_group: { kind: 'KIND_CPU' } }, meansModel(8, 8));
  await repository.addModel('plugged', { ...MEANS, tensorrt: { plugins: ['gone.so'] } }, meansModel(8, 8));
}

async function run(
  repository: TestRepository,
  builds: FakeBuilds,
  names: readonly string[] = [],
  changes: Partial<PlanBuildsOptions> = {},
  report: DeviceReport = found(gpu(0), gpu(1), gpu(2, 'Other')),
): Promise<PlanOutcome[]> {
  const made = await PlanBuilds.create({
    modelRepository: repository.directory,
    engineCache: join(repository.directory, '.plans'),
    engineCacheBytes: 1e9,
    threads: 1,
    maxPicturePixels: 1,
    force: false,
    signal: new AbortController().signal,
    log: () => {},
    onProgress: () => {},
    probe: async () => report,
    build: builds.build,
    ...changes,
  });
  const outcomes: PlanOutcome[] = [];
  for await (const outcome of made.run(names)) outcomes.push(outcome);
  return outcomes;
}

const brief = (outcomes: readonly PlanOutcome[]) =>
  outcomes.map((outcome) =>
    'error' in outcome
      ? `${outcome.model}/${outcome.version}: ${outcome.error.split('\n')[0]}`
      : `${outcome.model}/${outcome.version} on ${outcome.devices.join('+')}: ${outcome.source}`,
  );

test('the plans of all versions that would be served are built, and what fails keeps none of the others', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  const builds = new FakeBuilds();
  const outcomes = brief(await run(repository, builds));
  const [broken = '', one, other, plugged = '', ...more] = outcomes;
  t.regex(broken, /^broken\/null: .*config\.yaml has a problem:$/);
  t.deepEqual([one, other], ['old/2 on 0+1: built', 'old/2 on 2: built']);
  t.regex(plugged, /^plugged\/1: tensorrt\.plugins: .*gone\.so cannot be read/);
  t.deepEqual(more, [], 'the model on the CPU needs none');
  t.is(builds.specs.length, 2);
});

test('what was built is found in the cache, and built again when that is forced', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('means', MEANS, meansModel(8, 8));
  const builds = new FakeBuilds();
  const one = found(gpu());
  await run(repository, builds, [], {}, one);
  const [cached] = await run(repository, builds, ['means'], {}, one);
  t.like(cached, {
    devices: [0],
    gpu: 'Fake 100',
    precision: 'fp16',
    source: 'cache',
    planBytes: 6,
    activationBytes: 2000,
    agreement: null,
  });
  t.deepEqual(brief(await run(repository, builds, [], { force: true }, one)), ['means/1 on 0: built']);
});

test('progress is told with the model that it is of', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('means', MEANS, meansModel(8, 8));
  const told: unknown[] = [];
  await run(repository, new FakeBuilds(), [], { onProgress: (...all) => told.push(all) }, found(gpu()));
  t.deepEqual(told, [['means/1', 0.5, 'half way']]);
});

test('a model that is named and needs no plan, or is not there, is told', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  t.deepEqual(brief(await run(repository, new FakeBuilds(), ['cpu'])), [
    'cpu/null: instance_group.kind is KIND_CPU: it takes no plan',
  ]);
  await t.throwsAsync(run(repository, new FakeBuilds(), ['old', 'gone']), { code: 'MODEL_NOT_FOUND', message: /gone/ });
});

test('without a GPU nothing is built', async (t) => {
  await using repository = await TestRepository.create();
  await t.throwsAsync(run(repository, new FakeBuilds(), [], {}, none('there is no driver')), {
    code: 'DEVICE_UNAVAILABLE',
    message: 'plans are built on the GPU that runs them: there is no driver',
  });
});

test('told to stop, it stops with the reason, and not with a failure of the model', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addModel('means', MEANS, meansModel(8, 8));
  const stop = new AbortController();
  const builds = new FakeBuilds();
  builds.hold = new Promise(() => {});
  const onProgress = () => stop.abort(new Error('stopped'));
  await t.throwsAsync(run(repository, builds, [], { signal: stop.signal, onProgress }), { message: 'stopped' });
});
