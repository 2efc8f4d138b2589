import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { elementBytes, writeElements, type Datatype } from '../../server/core/tensors.js';
import { KserveClient, inferMessage, outputsOf } from '../support/kserve-client.js';
import { askRest, sendRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { addSubModel, DATATYPES, identityModel } from '../support/tensor-models.js';
import { meansModel } from '../support/tiny-models.js';

/** The REST form of the open inference protocol, on the HTTP port. */

let serving: Serving;
let client: KserveClient;

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      await repository.addVersion('sums', 1, addSubModel(['batch', 2]));
      for (const [name, type] of Object.entries(DATATYPES)) {
        await repository.addVersion(`identity_${name}`, 1, identityModel(type, ['batch', 'n']));
      }
      await repository.addModel('means', { task: 'embedding', input: { width: 8, height: 8 } }, meansModel(8, 8));
      await repository.addModel('scores', { task: 'tensors', labels: 'labels.txt' }, identityModel());
      await repository.write('scores/labels.txt', Array.from({ length: 16 }, (_, n) => `class ${n}\n`).join(''));
    },
    ['--max-message-bytes', '1000000'],
  );
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

function input(datatype: string, shape: readonly number[], data: unknown, name = 'INPUT0') {
  return { name, datatype, shape, data };
}

const SUMS = [input('INT32', [1, 2], [5, 7]), input('INT32', [1, 2], [[1, 2]], 'INPUT1')];

test('two inputs and two outputs in JSON, flat or nested, with the id of the request', async (t) => {
  const { status, json } = await askRest(serving, '/v2/models/sums/infer', { id: 'first', inputs: SUMS });
  t.is(status, 200);
  t.deepEqual(json, {
    id: 'first',
    model_name: 'sums',
    model_version: '1',
    outputs: [
      { name: 'OUTPUT0', datatype: 'INT32', shape: [1, 2], data: [6, 9] },
      { name: 'OUTPUT1', datatype: 'INT32', shape: [1, 2], data: [4, 5] },
    ],
  });
  const one = await askRest(serving, '/v2/models/sums/versions/1/infer', {
    inputs: SUMS,
    outputs: [{ name: 'OUTPUT1' }],
  });
  t.deepEqual(
    one.json.outputs.map(({ name }: { name: string }) => name),
    ['OUTPUT1'],
  );
});

/** Elements as JSON has them, and as bytes. */
const VALUES: Readonly<Partial<Record<Datatype, readonly [string, Uint8Array]>>> = {
  BOOL: ['[true,false]', Uint8Array.of(1, 0)],
  UINT8: ['[0,255]', Uint8Array.of(0, 255)],
  UINT16: ['[0,65535]', Buffer.from(Uint16Array.of(0, 65535).buffer)],
  UINT32: ['[0,4294967295]', Buffer.from(Uint32Array.of(0, 4294967295).buffer)],
  UINT64: [
    '[9007199254740993,18446744073709551615]',
    Buffer.from(BigUint64Array.of(2n ** 53n + 1n, 2n ** 64n - 1n).buffer),
  ],
  INT8: ['[-128,127]', Uint8Array.of(128, 127)],
  INT16: ['[-32768,32767]', Buffer.from(Int16Array.of(-32768, 32767).buffer)],
  INT32: ['[-2147483648,2147483647]', Buffer.from(Int32Array.of(-(2 ** 31), 2 ** 31 - 1).buffer)],
  INT64: [
    '[-9223372036854775808,9007199254740993]',
    Buffer.from(BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n).buffer),
  ],
  FP32: ['["NaN",-0]', Buffer.from(Float32Array.of(NaN, -0).buffer)],
  FP64: ['[0.1,"-Infinity"]', Buffer.from(Float64Array.of(0.1, -Infinity).buffer)],
  BYTES: [
    '["caf\u00e9","\\"1234567890123456789\\""]',
    writeElements(['caf\u00e9', '"1234567890123456789"'].map((text) => Buffer.from(text))),
  ],
};

for (const [datatype, [text, bytes]] of Object.entries(VALUES)) {
  test(`${datatype} goes in and out as JSON, exactly, and is to the model what gRPC sends`, async (t) => {
    const model = `identity_${datatype}`;
    const body = `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[1,2],"data":${text}}]}`;
    const { status, text: answer } = await askRest(serving, `/v2/models/${model}/infer`, body);
    t.is(status, 200, answer);
    t.true(answer.endsWith(`"data":${text}}]}`), answer);
    const asBytes = { ...(JSON.parse(body) as object), parameters: { binary_data_output: true } };
    const sent = body.replace(/}$/, `,"parameters":${JSON.stringify(asBytes.parameters)}}`);
    const { binary } = await askRest(serving, `/v2/models/${model}/infer`, sent);
    const tensor = { name: 'INPUT0', datatype: datatype as Datatype, shape: [1, 2], data: bytes };
    const { OUTPUT0 } = outputsOf(await client.infer(inferMessage(model, [tensor])));
    t.deepEqual([...binary], [...OUTPUT0!.data]);
    t.deepEqual([...binary], [...bytes]);
  });
}

for (const datatype of Object.keys(DATATYPES) as Datatype[]) {
  test(`${datatype} goes in and out behind the JSON`, async (t) => {
    const data = VALUES[datatype]?.[1] ?? Uint8Array.of(0, 60, 0, 64);
    t.is(elementBytes(datatype) ?? data.length / 2, data.length / 2);
    const parameters = { binary_data_size: data.length };
    const body = {
      inputs: [{ name: 'INPUT0', datatype, shape: [1, 2], parameters }],
      outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
    };
    const { status, json, text, binary, headers } = await askRest(
      serving,
      `/v2/models/identity_${datatype}/infer`,
      body,
      data,
    );
    t.is(status, 200, text);
    t.deepEqual([...binary], [...data]);
    t.deepEqual(json.outputs, [{ name: 'OUTPUT0', datatype, shape: [1, 2], parameters }]);
    t.is(headers.get('content-type'), 'application/octet-stream');
  });
}

test('the best classes are told in place of scores', async (t) => {
  const scores = Array.from({ length: 16 }, (_, index) => index / 2);
  const outputs = [{ name: 'OUTPUT0', parameters: { classification: 2 } }];
  const { json } = await askRest(serving, '/v2/models/scores/infer', {
    inputs: [input('FP32', [1, 16], scores)],
    outputs,
  });
  t.deepEqual(json.outputs[0].data, ['7.500000:15:class 15', '7.000000:14:class 14']);
});

test('what the server and its models are', async (t) => {
  t.like((await askRest(serving, '/v2')).json, { name: 'sluice' });
  t.deepEqual((await askRest(serving, '/v2/health/live')).json, { live: true });
  t.deepEqual((await askRest(serving, '/v2/health/ready')).json, { ready: true });
  t.deepEqual((await askRest(serving, '/v2/models/sums')).json, {
    name: 'sums',
    versions: ['1'],
    platform: 'onnxruntime_onnx',
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [-1, 2] })),
    outputs: ['OUTPUT0', 'OUTPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [-1, 2] })),
  });
  const { json: config } = await askRest(serving, '/v2/models/sums/versions/1/config');
  t.like(config, { name: 'sums', platform: 'onnxruntime_onnx', max_batch_size: 8 });
  t.like(config.input[0], { name: 'INPUT0', data_type: 'TYPE_INT32', dims: [2] });
  t.like(config.instance_group[0], { kind: 'KIND_CPU' });
  t.deepEqual(config.parameters, { task: { string_value: 'tensors' } });
  t.is((await askRest(serving, '/v2/models/means/ready')).status, 200);
  t.is((await askRest(serving, '/v2/models/cat/ready')).status, 400);
  const { status, json } = await askRest(serving, '/v2/models/cat');
  t.is(status, 404);
  t.regex(json.error, /cat/);
  await askRest(serving, '/v2/models/identity_INT8/infer', { inputs: [input('INT8', [1, 1], [1])] });
  const { json: told } = await askRest(serving, '/v2/models/identity_INT8/stats');
  t.true(told.model_stats[0].inference_count >= 1 && told.model_stats[0].inference_stats.success.ns > 0);
  t.is((await askRest(serving, '/v2/models/stats')).json.model_stats.length, 17);
  const { json: index } = await askRest(serving, '/v2/repository/index', {});
  t.true(
    index.some((one: object) => JSON.stringify(one) === '{"name":"sums","version":"1","state":"READY","reason":""}'),
  );
  t.is((await askRest(serving, '/v2/repository/models/sums/unload', {})).status, 409);
  t.is((await askRest(serving, '/v2/systemsharedmemory/status')).status, 501);
  t.like((await askRest(serving, '/v2/trace/setting')).json, { trace_level: ['OFF'] });
});

test.serial('the log is read and set', async (t) => {
  t.like((await askRest(serving, '/v2/logging')).json, { log_info: true, log_verbose_level: 0 });
  t.like((await askRest(serving, '/v2/logging', { log_verbose_level: 1 })).json, { log_verbose_level: 1 });
  t.is((await askRest(serving, '/v2/logging', { log_cat: 1 })).status, 400);
  t.like((await askRest(serving, '/v2/logging', { log_verbose_level: 0 })).json, { log_verbose_level: 0 });
});

test('bodies and answers are compressed where a client says so', async (t) => {
  const body = Buffer.from(JSON.stringify({ inputs: [input('INT8', [1, 2000], Array(2000).fill(3))] }));
  const path = '/v2/models/identity_INT8/infer';
  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const { json, headers } = await sendRest(serving.server.httpAddress, path, pack(body), {
      'content-encoding': coding,
      'accept-encoding': coding,
    });
    t.is(json.outputs[0].data.length, 2000);
    t.is(headers.get('content-encoding'), coding);
  }
  const { headers } = await sendRest(serving.server.httpAddress, path, body, { 'accept-encoding': 'gzip;q=0' });
  t.is(headers.get('content-encoding'), null);
  const broken = await sendRest(serving.server.httpAddress, path, body, { 'content-encoding': 'gzip' });
  t.is(broken.status, 400);
  const bomb = await sendRest(serving.server.httpAddress, path, gzipSync(Buffer.alloc(2_000_000)), {
    'content-encoding': 'gzip',
  });
  t.is(bomb.status, 413);
  t.is(gunzipSync(gzipSync(body)).length, body.length);
});
