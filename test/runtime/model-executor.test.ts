import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { requireTable } from '../../server/core/inference.js';
import type { Executor } from '../../server/core/executor.js';
import type { DeviceReport } from '../../server/runtime/device-probe.js';
import { ModelExecutors } from '../../server/runtime/model-executor.js';
import { eventually } from '../support/eventually.js';
import { FakeBuilds, found, gpu, none, NO_CALIBRATOR, NO_STATISTICS } from '../support/fake-gpu.js';
import { request } from '../support/instance-stage.js';
import { makeConfig } from '../support/requests.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { DATATYPES, identityModel } from '../support/tensor-models.js';
import { spotsModel } from '../support/tiny-models.js';

const WORKER = new URL('../support/placement-double.js', import.meta.url);
const CPU = -1;

/** Executors of a machine with the GPUs that the report tells of, and a model to run there. */
class Machine implements AsyncDisposable {
  readonly scratch: ScratchDirectory;
  readonly builds = new FakeBuilds();
  readonly log: string[] = [];
  readonly stop = new AbortController();
  readonly executors: ModelExecutors;
  readonly #modelFile: string;

  private constructor(scratch: ScratchDirectory, modelFile: string, report: DeviceReport) {
    this.scratch = scratch;
    this.#modelFile = modelFile;
    this.executors = new ModelExecutors({
      threads: 2,
      maxPicturePixels: 1,
      plans: {
        directory: this.cache,
        maxBytes: 1e9,
        calibrator: NO_CALIBRATOR,
        statistics: NO_STATISTICS,
        log: (level, model, message) => this.log.push(`${level} ${model}: ${message}`),
        build: this.builds.build,
      },
      probe: async () => report,
      workerFile: WORKER,
    });
  }

  static async create(report: DeviceReport, model = spotsModel(64, 64)): Promise<Machine> {
    const scratch = await ScratchDirectory.create();
    return new Machine(scratch, await scratch.write('spots/1/model.onnx', model), report);
  }

  get cache(): string {
    return join(this.scratch.path, 'plans');
  }

  /** The executor of a model whose configuration has `keys`. */
  serve(keys: Readonly<Record<string, unknown>> = {}): Promise<Executor> {
    return this.executors.create({
      model: 'spots',
      version: 1,
      modelFile: this.#modelFile,
      config: makeConfig(keys),
      labels: 0,
      signal: this.stop.signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scratch[Symbol.asyncDispose]();
  }
}

/** The GPU that answers, or CPU. */
async function placeOf(executor: Executor): Promise<number> {
  const { results } = await executor.execute([request(Buffer.from(''))]);
  const [result] = results;
  if (result === undefined || result.outcome instanceof Error) throw new Error('no answer');
  return requireTable(result.outcome).values[0] ?? NaN;
}

/** Where each of the instances is, whatever their order. */
async function placesOf(executor: Executor): Promise<number[]> {
  const all = Array.from({ length: executor.instances }, () => placeOf(executor));
  return (await Promise.all(all)).sort((a, b) => a - b);
}

test('without GPUs a model of KIND_AUTO runs on the CPU, and why is logged once for all of them', async (t) => {
  await using machine = await Machine.create(none('there is no driver'));
  await using first = await machine.serve({ instance_group: { count: 1 } });
  await using second = await machine.serve({ instance_group: { count: 1 } });
  t.deepEqual([await placeOf(first), await placeOf(second)], [CPU, CPU]);
  t.deepEqual(machine.log, ['info null: models of KIND_AUTO run on the CPU: there is no driver']);
  t.deepEqual(await readdir(machine.scratch.path), ['spots'], 'no cache is made');
});

test('a plan is built first, once for GPUs of the same kind, and instances run on all of them', async (t) => {
  await using machine = await Machine.create(found(gpu(0), gpu(1), gpu(2, 'Other')));
  await using executor = await machine.serve();
  t.deepEqual(await placesOf(executor), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  t.deepEqual(
    machine.builds.specs.map(({ device }) => device),
    [0, 2],
  );
});

test('instances run on the GPUs that are named, as many on each as the configuration says', async (t) => {
  await using machine = await Machine.create(found(gpu(0), gpu(1), gpu(2)));
  await using executor = await machine.serve({ instance_group: { gpus: [2, 1], count: 1 } });
  t.deepEqual(await placesOf(executor), [1, 2]);
  t.deepEqual(
    machine.builds.specs.map(({ device }) => device),
    [2],
  );
});

test('a plan of the cache is used as it is, and stays there as long as it is used', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  const first = await machine.serve();
  await first[Symbol.asyncDispose]();
  await using second = await machine.serve();
  t.is(machine.builds.specs.length, 1);
  const marks = async () => (await readdir(machine.cache)).filter((name) => name.endsWith('.use')).length;
  t.is(await marks(), 1);
  await second[Symbol.asyncDispose]();
  t.is(await marks(), 0);
});

test('with while_building cpu a model serves on the CPU meanwhile, and moves to the GPU', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  let release = (): void => {};
  machine.builds.hold = new Promise<void>((resolve) => (release = resolve));
  await using executor = await machine.serve({ tensorrt: { while_building: 'cpu' } });
  t.is(await placeOf(executor), CPU);
  release();
  await eventually('the GPU serves', async () => (await placeOf(executor)) === 0 || undefined);
  t.deepEqual(
    machine.log.filter((line) => /CPU/.test(line)),
    [
      'info spots/1: the model is served on the CPU until its plan is built',
      'info spots/1: the model has moved from the CPU to the GPU',
    ],
  );
  await using again = await machine.serve({ tensorrt: { while_building: 'cpu' } });
  t.is(await placeOf(again), 0, 'with its plan in the cache it starts on the GPU');
});

test('with while_building cpu a build that fails leaves the model on the CPU', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  machine.builds.failure = new ServingError('MODEL_INVALID', 'node 7 is not supported');
  await using executor = await machine.serve({ tensorrt: { while_building: 'cpu' } });
  await eventually('the failure is logged', () => machine.log.at(-1)?.startsWith('error') || undefined);
  t.is(machine.log.at(-1), 'error spots/1: the model stays on the CPU: node 7 is not supported');
  t.is(await placeOf(executor), CPU);
});

test('a model that is unloaded while its plan is built does not wait for it', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  machine.builds.hold = new Promise(() => {});
  const executor = await machine.serve({ tensorrt: { while_building: 'cpu' } });
  await eventually('the build runs', () => machine.builds.running === 1 || undefined);
  await executor[Symbol.asyncDispose]();
  t.is(machine.builds.running, 0);
});

test('a load that is not wanted any more ends with the reason for that', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  machine.builds.hold = new Promise(() => {});
  const load = machine.serve();
  await eventually('the build runs', () => machine.builds.running === 1 || undefined);
  machine.stop.abort(new ServingError('SHUTTING_DOWN', 'the server is shutting down'));
  await t.throwsAsync(load, { code: 'SHUTTING_DOWN', message: 'the server is shutting down' });
});

test('a model that TensorRT cannot build is told with a way out, where there is one', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  machine.builds.failure = new ServingError('MODEL_INVALID', 'node 7 is not supported');
  const code = 'MODEL_INVALID';
  const advice = 'node 7 is not supported (instance_group.kind KIND_CPU serves the model without a GPU)';
  await t.throwsAsync(machine.serve(), { code, message: advice });
  const required = machine.serve({ instance_group: { kind: 'KIND_GPU' } });
  await t.throwsAsync(required, { code, message: 'node 7 is not supported' });
  const tensors = { task: 'tensors', input: undefined, max_batch_size: 4 };
  const any = machine.serve({ ...tensors, instance_group: { kind: 'KIND_GPU' } });
  await t.throwsAsync(any, { code, message: advice });
  t.like(machine.builds.specs.at(-1), {
    keepTypes: true,
    profiles: [{ inputs: [{ name: 'input', max: [4, 3, 64, 64] }] }],
  });
});

test('a model of tensors that TensorRT does not take is served on the CPU with a warning, unless it needs a GPU', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  const tensors = { task: 'tensors', input: undefined, max_batch_size: 4 };
  const warnings = () => machine.log.filter((line) => line.startsWith('warn'));
  machine.builds.failure = new ServingError('MODEL_INVALID', 'node 7 is not supported');
  await using executor = await machine.serve(tensors);
  t.is(await placeOf(executor), CPU);
  const warning = 'warn spots/1: the model is served on the CPU, as TensorRT does not take it: node 7 is not supported';
  t.deepEqual(warnings(), [warning]);
  const required = machine.serve({ ...tensors, instance_group: { kind: 'KIND_GPU' } });
  await t.throwsAsync(required, { code: 'MODEL_INVALID', message: /node 7 is not supported/ });
  machine.builds.failure = new ServingError('DEVICE_OUT_OF_MEMORY', 'no memory is left');
  await t.throwsAsync(machine.serve(tensors), { code: 'DEVICE_OUT_OF_MEMORY', message: 'no memory is left' });
  machine.stop.abort(new ServingError('SHUTTING_DOWN', 'the server is shutting down'));
  await t.throwsAsync(machine.serve(tensors), { code: 'SHUTTING_DOWN' });
  t.deepEqual(warnings(), [warning], 'what is no matter of the model is a failure');
});

test('a model of tensors of a type that TensorRT lacks is served on the CPU without a build', async (t) => {
  await using machine = await Machine.create(found(gpu()), identityModel(DATATYPES.FP64));
  const tensors = { task: 'tensors', input: undefined };
  const lacking = /input 'INPUT0' is DOUBLE, which TensorRT does not take/;
  for (const while_building of ['wait', 'cpu']) {
    await using executor = await machine.serve({ ...tensors, tensorrt: { while_building } });
    t.is(await placeOf(executor), CPU, while_building);
    t.regex(machine.log.at(-1) ?? '', lacking);
  }
  const required = machine.serve({ ...tensors, instance_group: { kind: 'KIND_GPU' } });
  await t.throwsAsync(required, { code: 'MODEL_INVALID', message: lacking });
  t.deepEqual(machine.builds.specs, []);
});

test('what the configuration names and is not there is told before anything is built', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  const code = 'CONFIG_INVALID';
  await t.throwsAsync(machine.serve({ tensorrt: { plugins: ['gone.so'] } }), {
    code,
    message: /^tensorrt\.plugins: .*\/spots\/gone\.so cannot be read/,
  });
  await t.throwsAsync(machine.serve({ tensorrt: { precision: 'int8' } }), {
    code,
    message: /the model file has no Q\/DQ nodes: set tensorrt\.calibration\.directory/,
  });
  const calibration = { directory: 'gone' };
  await t.throwsAsync(machine.serve({ tensorrt: { precision: 'int8', calibration } }), {
    code,
    message: /spots\/gone/,
  });
  t.is(machine.builds.specs.length, 0);
});

test('a cache that cannot be used fails the load, and is looked for anew by the next one', async (t) => {
  await using machine = await Machine.create(found(gpu()));
  await machine.scratch.write('plans', 'a file');
  await t.throwsAsync(machine.serve(), { code: 'INTERNAL', message: /set --engine-cache to a directory/ });
  await rm(machine.cache);
  await using executor = await machine.serve();
  t.is(await placeOf(executor), 0);
});
