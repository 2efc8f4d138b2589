import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { BuildOutcome, EngineStatistics, PlanLookup } from '../../server/core/engine-statistics.js';
import { ServingError } from '../../server/core/errors.js';
import type { Calibrator } from '../../server/runtime/calibration/calibrator.js';
import type { EngineInputs } from '../../server/runtime/engine-inputs.js';
import { EnginePlans, whyNoPlan, type PlanRequest } from '../../server/runtime/engine-plans.js';
import { eventually } from '../support/eventually.js';
import { fakeAddon, FakeBuilds, GOOD_BUILD, gpu, makeInputs, NO_CALIBRATOR } from '../support/fake-gpu.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

/** Plans in a directory of their own, and all that is told about them. */
class Workshop implements EngineStatistics, AsyncDisposable {
  readonly scratch: ScratchDirectory;
  readonly builds = new FakeBuilds();
  readonly log: string[] = [];
  readonly lookups: PlanLookup[] = [];
  readonly outcomes: BuildOutcome[] = [];
  plans!: EnginePlans;

  private constructor(scratch: ScratchDirectory) {
    this.scratch = scratch;
  }

  static async create(calibrator: Calibrator = NO_CALIBRATOR): Promise<Workshop> {
    const shop = new Workshop(await ScratchDirectory.create());
    shop.plans = await EnginePlans.create({
      directory: shop.scratch.path,
      maxBytes: 1e9,
      calibrator,
      statistics: shop,
      log: (level, model, message) => shop.log.push(`${level} ${model}: ${message}`),
      build: shop.builds.build,
    });
    return shop;
  }

  planLookedUp(result: PlanLookup): void {
    this.lookups.push(result);
  }

  buildStarted() {
    return { progress: () => {}, ended: (outcome: BuildOutcome) => void this.outcomes.push(outcome) };
  }

  async get(inputs: EngineInputs = makeInputs(), options: Partial<PlanRequest> = {}) {
    return this.plans.get({ ...request(inputs), ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scratch[Symbol.asyncDispose]();
  }
}

const request = (inputs: EngineInputs): PlanRequest => ({
  model: 'cats',
  version: 1,
  inputs,
  device: gpu(),
  tensorrt: '10.6.0',
  signal: new AbortController().signal,
});

const another = (onnxSha256: string) => makeInputs({}, { onnxSha256 });

test('a plan is built once and comes from the cache afterwards', async (t) => {
  await using shop = await Workshop.create();
  t.is(await shop.plans.cached(request(makeInputs())), null);
  const first = await shop.get();
  const second = await shop.get();
  t.deepEqual([first.source, second.source], ['built', 'cache']);
  t.is(first.engine.planFile, second.engine.planFile);
  t.is(shop.builds.specs.length, 1);
  t.deepEqual(shop.lookups, ['miss', 'miss', 'hit']);
  t.deepEqual(shop.outcomes, ['built']);
  t.regex(shop.log.join('\n'), /info cats\/1: built the plan for GPU 0 \(Fake 100\) in \d+\.\d s: 0\.0 MB/);
  const { sidecar } = second.engine;
  t.deepEqual(sidecar.activationBytes, [1000, 2000]);
  t.is(sidecar.built.tensorrt, '10.6.0');
  t.false(
    (await readdir(shop.scratch.path)).some((name) => name.startsWith('work-')),
    'nothing is left over',
  );
});

test('the builder is told everything that the configuration says', async (t) => {
  await using shop = await Workshop.create();
  const keys = { tensorrt: { precision: 'fp32', tf32: false, aux_streams: 0, workspace_bytes: 2 ** 20 } };
  const inputs = makeInputs(keys, { plugins: [{ file: '/libs/a.so', sha256: 'a' }] });
  await shop.get(inputs, { device: gpu(3) });
  const [spec] = shop.builds.specs;
  const { onnxFile: _, planFile: __, timingCacheFile, ...rest } = spec!;
  t.is(timingCacheFile, join(shop.scratch.path, 'timing-10.6.0-Fake-100-9.0.cache'));
  t.deepEqual(rest, {
    device: 3,
    precision: 'fp32',
    tf32: false,
    profiles: [{ batch: { min: 1, opt: 8, max: 8 }, height: null, width: null }],
    plugins: ['/libs/a.so'],
    optimizationLevel: 3,
    workspaceBytes: 2 ** 20,
    auxStreams: 0,
    versionCompatible: false,
    stripWeights: false,
    refit: false,
    hardwareCompatibility: 'none',
    calibration: null,
  });
});

test('a plan without weights keeps the model file that was built', async (t) => {
  await using shop = await Workshop.create();
  const { engine } = await shop.get(makeInputs({ tensorrt: { strip_weights: true } }));
  t.is(await readFile(engine.weightsFile ?? '', 'utf8'), 'onnx');
});

test('a build that is forced is done although the plan is there', async (t) => {
  await using shop = await Workshop.create();
  await shop.get();
  const { source, engine } = await shop.get(makeInputs(), { force: true });
  t.is(source, 'built');
  t.is(await readFile(engine.planFile, 'utf8'), 'plan 2');
});

test('one plan is built at a time, in the order asked for, and the same one only once', async (t) => {
  await using shop = await Workshop.create();
  const all = ['a', 'b', 'a', 'c'].map((hash) => shop.get(another(hash)));
  const sources = (await Promise.all(all)).map(({ source }) => source);
  t.deepEqual(sources, ['built', 'built', 'cache', 'built']);
  t.is(shop.builds.most, 1);
});

test('a build that fails is told with its own error, and the next one goes on', async (t) => {
  await using shop = await Workshop.create();
  shop.builds.failure = new ServingError('MODEL_INVALID', 'node 7 is not supported');
  await t.throwsAsync(shop.get(), { code: 'MODEL_INVALID', message: 'node 7 is not supported' });
  shop.builds.failure = null;
  t.is((await shop.get()).source, 'built');
  t.deepEqual(shop.outcomes, ['failed', 'built']);
});

test('a build is abandoned when it is not wanted any more, running or waiting', async (t) => {
  await using shop = await Workshop.create();
  let release = (): void => {};
  shop.builds.hold = new Promise<void>((resolve) => (release = resolve));
  const [running, waiting] = [new AbortController(), new AbortController()];
  const stopped = new ServingError('SHUTTING_DOWN', 'the server is shutting down');
  const first = t.throwsAsync(shop.get(another('a'), { signal: running.signal }), { code: 'SHUTTING_DOWN' });
  const second = t.throwsAsync(shop.get(another('b'), { signal: waiting.signal }), { code: 'SHUTTING_DOWN' });
  const third = shop.get(another('c'));
  await eventually('the first build runs', () => shop.builds.running === 1 || undefined);
  waiting.abort(stopped);
  await second;
  t.is(shop.builds.specs.length, 1, 'it never ran');
  running.abort(stopped);
  await first;
  release();
  t.is((await third).source, 'built');
  t.deepEqual(shop.outcomes, ['abandoned', 'built']);
});

test('what was abandoned is not told as a fault of the server', (t) => {
  const stop = new AbortController();
  t.is(whyNoPlan(new Error('odd'), stop.signal).code, 'INTERNAL');
  stop.abort();
  t.is(whyNoPlan(stop.signal.reason, stop.signal).code, 'CANCELLED');
});

test('a damaged plan is built anew, and the log says why', async (t) => {
  await using shop = await Workshop.create();
  const { engine } = await shop.get();
  await shop.scratch.write(engine.planFile.split('/').at(-1)!, 'p');
  t.is((await shop.get()).source, 'built');
  t.is(shop.log.filter((line) => /^warn .*the plan in the cache is not used: .*has 1 bytes/.test(line)).length, 1);
  t.true(shop.lookups.includes('stale'));
});

/** Calibrates without pictures, and measures what it is told to. */
function calibrator(agreement: number, asked: string[]): Calibrator {
  return {
    prepare: async ({ directory }) => {
      asked.push('prepare');
      return { inputs: [{ name: 'input', file: join(directory, 'batches') }], heldBack: ['a.png'] };
    },
    measure: async ({ pictures }) => {
      asked.push(`measure ${pictures.join(' ')}`);
      return { agreement, pictures: pictures.length, summary: `so much: ${agreement}` };
    },
  };
}

const int8 = (floor: number) =>
  makeInputs(
    { tensorrt: { precision: 'int8', calibration: { directory: 'pictures', accuracy_floor: floor, batch_size: 4 } } },
    { calibration: { directory: '/pictures', sha256: 'p' } },
  );

test('a plan in INT8 is calibrated and measured, and its report kept', async (t) => {
  const asked: string[] = [];
  await using shop = await Workshop.create(calibrator(0.97, asked));
  await shop.get(int8(0.9));
  t.deepEqual(asked, ['prepare', 'measure a.png']);
  const [spec] = shop.builds.specs;
  t.like(spec?.calibration, { algorithm: 'entropy', batchSize: 4 });
  t.regex(spec?.calibration?.cacheFile ?? '', /calibration-[0-9a-f]{64}\.table$/);
  const { source, engine } = await shop.get(int8(0.9));
  t.is(source, 'cache');
  t.is(engine.sidecar.accuracy?.agreement, 0.97);
  t.true(shop.log.includes('info cats/1: the plan beside the fp32 model: so much: 0.97'));
});

test('a plan that is not accurate enough is refused, from the cache too, and not built again and again', async (t) => {
  await using shop = await Workshop.create(calibrator(0.8, []));
  for (let load = 0; load < 2; load++) {
    await t.throwsAsync(shop.get(int8(0.9)), {
      code: 'MODEL_INVALID',
      message: /agrees with the fp32 model to 0\.8000, less than tensorrt\.calibration\.accuracy_floor, which is 0\.9/,
    });
  }
  t.is(shop.builds.specs.length, 1);
  t.is((await shop.get(int8(0.5))).source, 'cache');
});

test('of processes that want the same plan, one builds it and the others wait for it', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const buildEngine = `
    fs.appendFileSync(${JSON.stringify(join(scratch.path, 'builds'))}, 'x');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    ${GOOD_BUILD}`;
  const addonFile = await fakeAddon(scratch, { buildEngine });
  const racer = fileURLToPath(new URL('../support/build-racer.js', import.meta.url));
  const race = () => promisify(execFile)(process.execPath, [racer, join(scratch.path, 'cache'), addonFile]);
  const sources = (await Promise.all([race(), race(), race()])).map(({ stdout }) => stdout.trim());
  t.deepEqual(sources.sort(), ['built', 'cache', 'cache']);
  t.is(await readFile(join(scratch.path, 'builds'), 'utf8'), 'x');
});
