import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test from 'ava';
import type { RepositoryModelLoadRequest } from '../../server/gen/inference/grpc_service.js';
import { KserveClient } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';

const EXPLICIT = ['--model-control-mode', 'explicit', '--load-model', '*'];
const SIMPLE = (serving: Serving) => new KserveClient(serving.server.grpcAddress);

function loadMessage(modelName: string, config?: string): RepositoryModelLoadRequest {
  const parameters =
    config === undefined ? {} : { config: { parameterChoice: { $case: 'stringParam' as const, stringParam: config } } };
  return { repositoryName: '', modelName, parameters };
}

/** The largest batch that each of several processes, asked in turn, says it takes. */
async function batchSizes(serving: Serving, connections: number): Promise<Set<number>> {
  const sizes = new Set<number>();
  for (let index = 0; index < connections; index++) {
    using client = SIMPLE(serving);
    const { config } = await client.call('modelConfig', { name: 'model', version: '' });
    sizes.add(config!.maxBatchSize);
  }
  return sizes;
}

test('every process loads a model with the configuration that stands in place of the file', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addVersion('model', 1, identityModel()),
    [...EXPLICIT, '--processes', '2'],
  );
  using client = SIMPLE(serving);
  await client.call('repositoryModelLoad', loadMessage('model', '{"max_batch_size": 3}'));
  t.deepEqual([...(await batchSizes(serving, 8))], [3]);
  await client.call('repositoryModelLoad', loadMessage('model'));
  t.deepEqual([...(await batchSizes(serving, 8))], [8]);
  const level = { parameterChoice: { $case: 'uint32Param' as const, uint32Param: 2 } };
  await client.call('logSettings', { settings: { log_verbose_level: level } });
  for (let index = 0; index < 8; index++) {
    using other = SIMPLE(serving);
    t.deepEqual((await other.call('logSettings', { settings: {} })).settings['log_verbose_level'], level);
  }
});

test('a configuration that is wrong is refused, and what serves goes on serving', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addVersion('model', 1, identityModel()),
    EXPLICIT,
  );
  using client = SIMPLE(serving);
  for (const [config, details] of [
    ['{"max_batch_sise": 1}', /max_batch_sise: there is no such key/],
    ['[]', /must be a JSON object/],
    ['{', /is no JSON/],
    ['{"max_batch_size": -1}', /max_batch_size: expected a whole number from 0 to 1024/],
  ] as const) {
    const error = await t.throwsAsync<ServiceError>(client.call('repositoryModelLoad', loadMessage('model', config)));
    t.is(error?.code, Status.FAILED_PRECONDITION);
    t.regex(error?.details ?? '', details);
  }
  t.deepEqual([...(await batchSizes(serving, 1))], [8]);
  const file = {
    'file:1/model.onnx': { parameterChoice: { $case: 'bytesParam' as const, bytesParam: new Uint8Array(1) } },
  };
  const error = await t.throwsAsync<ServiceError>(
    client.call('repositoryModelLoad', { ...loadMessage('model'), parameters: file }),
  );
  t.is(error?.code, Status.INVALID_ARGUMENT);
});

test('without the control mode for it, models are neither loaded nor unloaded by call', async (t) => {
  await using serving = await Serving.start((repository) => repository.addVersion('model', 1, identityModel()));
  using client = SIMPLE(serving);
  const error = await t.throwsAsync<ServiceError>(client.call('repositoryModelLoad', loadMessage('model')));
  t.is(error?.code, Status.FAILED_PRECONDITION);
  t.regex(error?.details ?? '', /--model-control-mode explicit/);
  t.true((await client.call('modelReady', { name: 'model', version: '1' })).ready);
  t.false((await client.call('modelReady', { name: 'model', version: '2' })).ready);
});

test('settings that cannot be changed are refused by name', async (t) => {
  await using serving = await Serving.start((repository) => repository.addVersion('model', 1, identityModel()));
  using client = SIMPLE(serving);
  const flag = (boolParam: boolean) => ({ parameterChoice: { $case: 'boolParam' as const, boolParam } });
  const text = (stringParam: string) => ({ parameterChoice: { $case: 'stringParam' as const, stringParam } });
  const set = (settings: object) => client.call('logSettings', { settings: { ...settings } });
  t.like((await set({ log_info: flag(false) })).settings, { log_info: flag(false), log_warning: flag(true) });
  t.like((await set({ log_warning: flag(false), log_error: flag(false) })).settings, { log_error: flag(false) });
  t.like((await set({ log_info: flag(true) })).settings, { log_info: flag(true), log_error: flag(true) });
  for (const [settings, details] of [
    [{ log_colour: flag(true) }, /there is no setting log_colour/],
    [{ log_info: text('yes') }, /log_info must be a bool/],
    [{ log_file: text('/tmp/log') }, /log_file cannot be changed: the log goes to standard output/],
  ] as const) {
    const error = await t.throwsAsync<ServiceError>(set(settings));
    t.is(error?.code, Status.INVALID_ARGUMENT);
    t.regex(error?.details ?? '', details);
  }
  const shared = await t.throwsAsync<ServiceError>(client.call('systemSharedMemoryStatus', { name: '' }));
  t.is(shared?.code, Status.UNIMPLEMENTED);
  t.regex(shared?.details ?? '', /--allow-client-shm true/);
});

test('a configuration with a text that no header can carry is refused, and the server lives', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addVersion('model', 1, identityModel()),
    EXPLICIT,
  );
  using client = SIMPLE(serving);
  for (const key of ['\\ud800', `x${'😀'.repeat(3000)}`]) {
    const load = client.call('repositoryModelLoad', loadMessage('model', `{"${key}": 1}`));
    t.is((await t.throwsAsync<ServiceError>(load))?.code, Status.FAILED_PRECONDITION);
  }
  t.true((await client.call('serverReady', {})).ready, 'the server goes on');
});
