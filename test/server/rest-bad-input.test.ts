import test from 'ava';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { DATATYPES, identityModel } from '../support/tensor-models.js';

/** What the REST form of the open inference protocol refuses. */

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      for (const name of ['INT8', 'FP16', 'FP32', 'UINT64'] as const) {
        await repository.addVersion(`identity_${name}`, 1, identityModel(DATATYPES[name], ['batch', 'n']));
      }
    },
    ['--max-message-bytes', '1000000'],
  );
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
});

function input(datatype: string, shape: readonly number[], data: unknown) {
  return { name: 'INPUT0', datatype, shape, data };
}

interface Bad {
  readonly title: string;
  readonly body: object | string;
  readonly error: RegExp;
  readonly binary?: Uint8Array;
  readonly length?: string;
  readonly model?: string;
}

const binaryInput = (size: unknown, shape: readonly unknown[] = [1, 2]) => ({
  inputs: [{ name: 'INPUT0', datatype: 'INT8', shape, parameters: { binary_data_size: size } }],
});

const BAD: readonly Bad[] = [
  { title: 'no JSON', body: '{"inputs": [', error: /cannot be read as JSON/ },
  { title: 'a list in place of an object', body: '[]', error: /must be a JSON object/ },
  { title: 'inputs that are none', body: { inputs: 3 }, error: /inputs must be an array of objects/ },
  {
    title: 'binary data that is cut off',
    body: binaryInput(2),
    binary: Buffer.alloc(1),
    error: /INPUT0.*1 bytes are left/,
  },
  {
    title: 'binary data that nobody names',
    body: binaryInput(2),
    binary: Buffer.alloc(3),
    error: /1 bytes behind the JSON/,
  },
  {
    title: 'binary data of another size than the shape',
    body: binaryInput(3),
    binary: Buffer.alloc(3),
    error: /INPUT0.*3 bytes of data/,
  },
  { title: 'a negative size', body: binaryInput(-1), binary: Buffer.alloc(2), error: /no number of bytes/ },
  {
    title: 'a header beyond the body',
    body: binaryInput(0),
    length: '99999',
    error: /Inference-Header-Content-Length/,
  },
  {
    title: 'a header that is no number',
    body: binaryInput(0),
    length: 'cat',
    error: /Inference-Header-Content-Length/,
  },
  { title: 'huge dims', body: binaryInput(2, [1e15, 1e15]), binary: Buffer.alloc(2), error: /INPUT0/ },
  {
    title: 'a dim beyond 64 bits',
    body: `{"inputs":[{"name":"INPUT0","datatype":"INT8","shape":[99999999999999999999],"data":[]}]}`,
    error: /needs a shape/,
  },
  { title: 'a negative dim', body: { inputs: [input('INT8', [-1, 2], [1])] }, error: /no dim may be under 0/ },
  {
    title: 'a name twice',
    body: { inputs: [input('INT8', [1, 1], [1]), input('INT8', [1, 1], [1])] },
    error: /is there twice/,
  },
  { title: 'an unknown type', body: { inputs: [input('CAT', [1, 1], [1])] }, error: /CAT/ },
  { title: 'too few elements', body: { inputs: [input('INT8', [1, 2], [1])] }, error: /2 elements, and 1/ },
  {
    title: 'elements nested otherwise',
    body: { inputs: [input('INT8', [2, 2], [[1, 2, 3], [4]])] },
    error: /nested otherwise/,
  },
  {
    title: 'nesting without end',
    body: `{"inputs":[{"name":"INPUT0","datatype":"INT8","shape":[1,1],"data":${'['.repeat(5000)}${']'.repeat(5000)}}]}`,
    error: /nested otherwise/,
  },
  { title: 'an element too large', body: { inputs: [input('INT8', [1, 1], [128])] }, error: /INT8 cannot hold/ },
  {
    title: 'an element that is no whole number',
    body: { inputs: [input('INT8', [1, 1], [1.5])] },
    error: /INT8 cannot hold/,
  },
  {
    title: 'FP16 as JSON',
    model: 'identity_FP16',
    body: { inputs: [input('FP16', [1, 1], [1])] },
    error: /send it as binary data/,
  },
  {
    title: 'a number that overflows',
    model: 'identity_FP32',
    body: { inputs: [input('FP32', [1, 1], [1e300])] },
    error: /FP32 cannot hold/,
  },
  {
    title: 'an integer of 65 bits',
    model: 'identity_UINT64',
    body: `{"inputs":[{"name":"INPUT0","datatype":"UINT64","shape":[1,1],"data":[18446744073709551616]}]}`,
    error: /UINT64 cannot hold/,
  },
];

for (const { title, body, binary, length, model = 'identity_INT8', error } of BAD) {
  test(`${title} is refused, with what to change`, async (t) => {
    const headers = length === undefined ? {} : { 'inference-header-content-length': length };
    const { status, json } = await askRest(serving, `/v2/models/${model}/infer`, body, binary, headers);
    t.is(status, 400, JSON.stringify(json));
    t.regex(json.error, error);
  });
}

test('a body over --max-message-bytes is refused', async (t) => {
  const { status, json } = await askRest(serving, '/v2/models/identity_INT8/infer', ' '.repeat(1_000_001));
  t.is(status, 413);
  t.regex(json.error, /max-message-bytes/);
});
