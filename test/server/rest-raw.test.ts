import { readFile } from 'node:fs/promises';
import test from 'ava';
import { writeElements } from '../../server/core/tensors.js';
import { sendRest, type RestReply } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { addSubModel, DATATYPES, identityModel } from '../support/tensor-models.js';

/** Bodies that are the data of a model's one input, without JSON. */

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await repository.addVersion('rows', 1, identityModel());
    await repository.addVersion('open', 1, identityModel(DATATYPES.INT16, ['batch', 'n', 2]));
    await repository.addVersion('wide', 1, identityModel(DATATYPES.INT8, ['batch', 'n', 'm']));
    await repository.addModel('alone', { task: 'tensors', max_batch_size: 0 }, identityModel(DATATYPES.FP32, ['n']));
    await repository.addVersion('texts', 1, identityModel(DATATYPES.BYTES, ['batch', 'n']));
    await repository.addVersion('pairs', 1, identityModel(DATATYPES.BYTES, ['batch', 2]));
    await repository.addVersion('sums', 1, addSubModel(['batch', 2]));
  });
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
});

const NO_JSON = { 'inference-header-content-length': '0' };
const BYTES = { 'content-type': 'application/octet-stream' };

async function send(model: string, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<RestReply> {
  return await sendRest(serving.server.httpAddress, `/v2/models/${model}/infer`, Buffer.from(body), headers);
}

const ROW = Buffer.from(Float32Array.from({ length: 16 }, (_, index) => index / 3).buffer);

for (const headers of [NO_JSON, BYTES, { 'content-type': 'Application/Octet-Stream; charset=binary' }]) {
  test(`the bytes of one row are answered with bytes, by ${JSON.stringify(headers)}`, async (t) => {
    const { status, json, binary } = await send('rows', ROW, headers);
    t.is(status, 200);
    t.deepEqual(json, {
      model_name: 'rows',
      model_version: '1',
      outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: [1, 16], parameters: { binary_data_size: 64 } }],
    });
    t.deepEqual(binary, ROW);
  });
}

test('a version may be named', async (t) => {
  const path = '/v2/models/rows/versions/1/infer';
  const { binary } = await sendRest(serving.server.httpAddress, path, ROW, NO_JSON);
  t.deepEqual(binary, ROW);
});

test('one open dim follows from the number of bytes', async (t) => {
  const open = await send('open', Buffer.alloc(12, 7), NO_JSON);
  t.deepEqual(open.json.outputs[0].shape, [1, 3, 2]);
  t.deepEqual(open.binary, Buffer.alloc(12, 7));
  t.deepEqual((await send('alone', Buffer.alloc(8), NO_JSON)).json.outputs[0].shape, [2]);
});

test('a text is the body itself, whatever it looks like', async (t) => {
  const text = '{"a": "caf\u00e9"}';
  const { json, binary } = await send('texts', Buffer.from(text), NO_JSON);
  t.deepEqual(json.outputs[0].shape, [1, 1]);
  t.deepEqual(binary, Buffer.from(writeElements([Buffer.from(text)])));
});

test('JSON with the type of bytes is JSON', async (t) => {
  const inputs = [{ name: 'INPUT0', datatype: 'FP32', shape: [1], data: [0.5] }];
  const { json } = await send('alone', Buffer.from(` \n${JSON.stringify({ inputs })}`), BYTES);
  t.deepEqual(json.outputs[0].data, [0.5]);
});

test('what begins as JSON does and is none is bytes', async (t) => {
  const data = Buffer.alloc(64, '{');
  t.deepEqual((await send('rows', data, BYTES)).binary, data);
});

interface Bad {
  readonly title: string;
  readonly model: string;
  readonly body: Uint8Array;
  readonly error: RegExp;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}

const BAD: readonly Bad[] = [
  { title: 'too few bytes', model: 'rows', body: Buffer.alloc(60), error: /INPUT0.*64 bytes.*60 bytes/ },
  { title: 'two rows', model: 'rows', body: Buffer.alloc(128), error: /INPUT0.*64 bytes.*128 bytes/ },
  { title: 'no bytes', model: 'rows', body: Buffer.alloc(0), error: /INPUT0.*64 bytes.*0 bytes/ },
  { title: 'part of an element', model: 'open', body: Buffer.alloc(10), error: /INPUT0.*10 bytes.*no whole number/ },
  { title: 'two open dims', model: 'wide', body: Buffer.alloc(4), error: /INPUT0.*one dim open/ },
  { title: 'two texts in one', model: 'pairs', body: Buffer.from('text'), error: /INPUT0.*2 elements, and 1/ },
  { title: 'two inputs', model: 'sums', body: Buffer.alloc(16), error: /INPUT0, INPUT1.*say in JSON/ },
  { title: 'no model', model: 'cat', body: Buffer.alloc(16), error: /cat/, status: 404 },
  {
    title: 'bytes by another type without the header',
    model: 'rows',
    body: Buffer.alloc(64, 255),
    error: /Inference-Header-Content-Length.*0: there is no JSON/,
    headers: { 'content-type': 'application/json' },
  },
];

for (const { title, model, body, error, headers = NO_JSON, status: wanted = 400 } of BAD) {
  test(`without JSON, ${title} cannot be served, with what to change`, async (t) => {
    const { status, json } = await send(model, body, headers);
    t.is(status, wanted, JSON.stringify(json));
    t.regex(json.error, error);
  });
}

test('a picture file is served as the bytes that it is', async (t) => {
  const picture = await readFile('model-repo/shapes/example.png');
  const told = picture.subarray(0, picture.length - (picture.length % 4));
  t.deepEqual((await send('alone', told, BYTES)).binary, told);
});
