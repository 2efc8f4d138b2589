import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import type { ModelRepositoryParameter } from '../../server/gen/inference/grpc_service.js';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { askRest } from '../support/rest-client.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { addSubModel, identityModel } from '../support/tensor-models.js';

/** Models whose files a client sends with the load. */

const FILE = 'file:1/model.onnx';
const TENSORS = '{"task": "tensors"}';

/** A server with the model `model` on disk, which is an identity, and with a temporary directory of its own. */
class Server implements AsyncDisposable {
  readonly serving: Serving;
  readonly client: KserveClient;
  readonly #scratch: ScratchDirectory;

  private constructor(serving: Serving, scratch: ScratchDirectory) {
    this.serving = serving;
    this.client = new KserveClient(serving.server.grpcAddress);
    this.#scratch = scratch;
  }

  static async start(...flags: string[]): Promise<Server> {
    const scratch = await ScratchDirectory.create();
    const serving = await Serving.start(
      (repository) => repository.addVersion('model', 1, identityModel()),
      ['--model-control-mode', 'explicit', '--load-model', '*', ...flags],
      { TMPDIR: scratch.path },
    );
    return new Server(serving, scratch);
  }

  async load(modelName: string, sent: Readonly<Record<string, string | Uint8Array>> = {}): Promise<void> {
    const parameters = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, parameter(value)]));
    await this.client.call('repositoryModelLoad', { repositoryName: '', modelName, parameters });
  }

  async unload(modelName: string): Promise<void> {
    await this.client.call('repositoryModelUnload', { repositoryName: '', modelName, parameters: {} });
  }

  async refusal(modelName: string, sent: Readonly<Record<string, string | Uint8Array>>): Promise<ServiceError> {
    return await this.load(modelName, sent).then(
      () => Promise.reject(new Error('it was loaded')),
      (error: unknown) => error as ServiceError,
    );
  }

  /** The inputs of a model as another connection, and so maybe another process, tells them. */
  async inputs(name: string): Promise<string> {
    using client = new KserveClient(this.serving.server.grpcAddress);
    return (await client.call('modelMetadata', { name, version: '' })).inputs.map((input) => input.name).join();
  }

  /** What the server has in its temporary directory; ONNX Runtime has files of its own there. */
  async left(): Promise<string[]> {
    for (;;) {
      try {
        const all = await readdir(this.#scratch.path, { recursive: true });
        return all.filter((path) => path.startsWith('sluice-'));
      } catch (cause) {
        // A directory that is just being removed is looked at again.
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      }
    }
  }

  /** The model files among that. */
  async files(): Promise<string[]> {
    return (await this.left()).filter((path) => path.endsWith('.onnx'));
  }

  async untilFiles(count: number): Promise<void> {
    await eventually(`${count} model files are left`, async () => (await this.files()).length === count);
  }

  async mode(): Promise<string> {
    const [root] = await this.left();
    return ((await stat(join(this.#scratch.path, root!))).mode & 0o777).toString(8);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.serving[Symbol.asyncDispose]();
    await this.#scratch[Symbol.asyncDispose]();
  }
}

function parameter(value: string | Uint8Array): ModelRepositoryParameter {
  return typeof value === 'string'
    ? { parameterChoice: { $case: 'stringParam', stringParam: value } }
    : { parameterChoice: { $case: 'bytesParam', bytesParam: Buffer.from(value) } };
}

const SUMS = { config: TENSORS, [FILE]: addSubModel() };

for (const processes of ['1', '2']) {
  test(`a sent model serves in place of that on disk, until it is loaded again (--processes ${processes})`, async (t) => {
    await using server = await Server.start('--processes', processes);
    t.deepEqual(await server.left(), [], 'nothing is written before it is needed');
    await server.load('model', SUMS);
    for (let asked = 0; asked < 4; asked++) t.is(await server.inputs('model'), 'INPUT0,INPUT1');
    t.is((await server.files()).length, 1);
    t.is(await server.mode(), '700');
    await server.load('model', {
      config: TENSORS,
      'file:7/model.onnx': identityModel(),
      'file:8/model.onnx': addSubModel(),
    });
    t.is(await server.inputs('model'), 'INPUT0,INPUT1');
    t.true((await server.client.call('modelReady', { name: 'model', version: '8' })).ready, 'the newest counts');
    await server.untilFiles(2);
    await server.load('model');
    for (let asked = 0; asked < 4; asked++) t.is(await server.inputs('model'), 'INPUT0');
    await server.untilFiles(0);
  });

  test(`a sent model need not be in the repository, and goes with its unload (--processes ${processes})`, async (t) => {
    await using server = await Server.start('--processes', processes);
    await server.load('sent', SUMS);
    const two = ['INPUT0', 'INPUT1'].map((name) => {
      return { name, datatype: 'INT32' as const, shape: [1, 16], data: Buffer.alloc(64, 1) };
    });
    const { OUTPUT0 } = outputsOf(await server.client.infer(inferMessage('sent', two)));
    t.deepEqual(Buffer.from(OUTPUT0!.data), Buffer.alloc(64, 2));
    await server.unload('sent');
    await server.untilFiles(0);
    t.is((await server.refusal('sent', {})).code, Status.NOT_FOUND);
  });

  test(`a sent model that does not load leaves what serves, and nothing on the disk (--processes ${processes})`, async (t) => {
    await using server = await Server.start('--processes', processes);
    await server.load('model', SUMS);
    const broken = await server.refusal('model', { config: TENSORS, [FILE]: new Uint8Array(9) });
    t.is(broken.code, Status.FAILED_PRECONDITION);
    t.is((await server.refusal('model', { config: '{"task": "tensor"}', [FILE]: addSubModel() })).code, broken.code);
    t.is(await server.inputs('model'), 'INPUT0,INPUT1');
    await server.untilFiles(1);
  });

  test(`what is sent is gone when the server is (--processes ${processes})`, async (t) => {
    await using server = await Server.start('--processes', processes);
    await server.load('sent', SUMS);
    server.serving.server.signal('SIGTERM');
    await server.serving.server.ended();
    t.deepEqual(await server.left(), []);
  });
}

test('a process that takes the place of another loads what was sent', async (t) => {
  await using server = await Server.start('--processes', '2');
  await server.load('sent', SUMS);
  const started = () => server.serving.server.log.filter(({ msg }) => msg === 'process started');
  for (const { pid } of started()) process.kill(Number(pid), 'SIGKILL');
  await eventually('both are replaced', () => started().length === 4);
  t.is(await server.inputs('sent'), 'INPUT0,INPUT1');
  await server.unload('sent');
  await server.untilFiles(0);
});

test('the configuration may be in the words of Triton, and name files beside the versions', async (t) => {
  await using server = await Server.start();
  const output = [{ name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [16], label_filename: 'names.txt' }];
  const config = JSON.stringify({ backend: 'onnxruntime', max_batch_size: 3, output });
  const labels = Array.from({ length: 16 }, (_, index) => `class ${index}`).join('\n');
  await server.load('sent', { config, [FILE]: identityModel(), 'file:names.txt': Buffer.from(labels) });
  const told = await server.client.call('modelConfig', { name: 'sent', version: '' });
  t.is(told.config?.maxBatchSize, 3);
  const data = Array.from({ length: 16 }, (_, index) => index);
  const { json } = await askRest(server.serving, '/v2/models/sent/infer', {
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 16], data }],
    outputs: [{ name: 'OUTPUT0', parameters: { classification: 1 } }],
  });
  t.deepEqual(json.outputs[0].data, ['15.000000:15:class 15']);
});

test('by REST files are base64', async (t) => {
  await using server = await Server.start();
  const load = async (file: unknown) => {
    const parameters = { config: TENSORS, [FILE]: file };
    return await askRest(server.serving, '/v2/repository/models/sent/load', { parameters });
  };
  for (const file of ['no base64!', `${Buffer.from(addSubModel()).toString('base64')}.`, 3]) {
    const { status, json } = await load(file);
    t.is(status, 400, JSON.stringify(json));
    t.regex(json.error, /file:1\/model\.onnx/);
  }
  t.is((await load(Buffer.from(addSubModel()).toString('base64'))).status, 200);
  t.is(await server.inputs('sent'), 'INPUT0,INPUT1');
});

test('a message with a model is bounded like all others', async (t) => {
  await using server = await Server.start('--max-message-bytes', '100000');
  const large = { config: TENSORS, [FILE]: new Uint8Array(100_001) };
  t.is((await server.refusal('sent', large)).code, Status.RESOURCE_EXHAUSTED);
  const parameters = { config: TENSORS, [FILE]: Buffer.alloc(100_000).toString('base64') };
  t.is((await askRest(server.serving, '/v2/repository/models/sent/load', { parameters })).status, 413);
  t.deepEqual(await server.left(), []);
});

async function isRefused(
  t: ExecutionContext,
  server: Server,
  sent: Readonly<Record<string, string | Uint8Array>>,
  details: RegExp,
  name = 'model',
): Promise<void> {
  const error = await server.refusal(name, sent);
  t.true(
    [Status.INVALID_ARGUMENT, Status.FAILED_PRECONDITION, Status.NOT_FOUND].includes(error.code),
    `${Object.keys(sent).join()}: ${error.message}`,
  );
  t.regex(error.details, details);
}

test('what is no model directory is refused, whatever it is called', async (t) => {
  await using server = await Server.start();
  const bytes = addSubModel();
  for (const path of [
    '',
    '/',
    '../a',
    '1/../../a',
    '/etc/passwd',
    '1//a',
    './a',
    'a/',
    '1/a\0b',
    'a\\b',
    'x'.repeat(256),
  ]) {
    await isRefused(t, server, { config: TENSORS, [`file:${path}`]: bytes }, /must be a path within/);
  }
  await isRefused(
    t,
    server,
    { config: TENSORS, 'file:1': bytes, [FILE]: bytes },
    /is a file, and "1\/model.onnx" lies/,
  );
  for (const path of ['config.yaml', 'config.pbtxt']) {
    await isRefused(t, server, { config: TENSORS, [`file:${path}`]: bytes }, /say it in config/);
  }
  await isRefused(t, server, { [FILE]: bytes }, /need a config/);
  await isRefused(t, server, { config: TENSORS, [FILE]: 'text' }, /must be bytes/);
  await isRefused(t, server, { config: '[]', [FILE]: bytes }, /must be a JSON object/);
  await isRefused(t, server, { cat: '' }, /there is no parameter "cat"/);
  await isRefused(t, server, SUMS, /no name for a model/, '../model');
  await isRefused(t, server, { config: TENSORS, 'file:model.onnx': bytes }, /no version directory/);
  t.is(await server.inputs('model'), 'INPUT0');
  t.deepEqual(await server.files(), []);
});

test('what is sent brings no code along, and names none', async (t) => {
  await using server = await Server.start();
  const config = '{"task": "tensors", "tensorrt": {"plugins": ["1/lib.so"]}}';
  await isRefused(t, server, { config, [FILE]: addSubModel(), 'file:1/lib.so': new Uint8Array(8) }, /cannot add one/);
  await isRefused(t, server, { config: '{"tensorrt": {"plugins": ["/tmp/lib.so"]}}' }, /lib\.so.*cannot add one/);
  t.is(await server.inputs('model'), 'INPUT0');
});
