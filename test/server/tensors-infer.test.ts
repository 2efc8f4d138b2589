import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import { InferTensorContents, type ModelInferRequest } from '../../server/gen/inference/grpc_service.js';
import { readElements } from '../../server/core/tensors.js';
import { KserveClient, inferMessage, outputsOf, type RequestFields } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import { addSubModel, DATATYPES, gatherModel, identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';

let serving: Serving;
let client: KserveClient;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    await repository.addVersion('sums', 1, addSubModel(['batch', 2]));
    await repository.addVersion('words', 1, gatherModel());
    for (const [name, type] of Object.entries(DATATYPES)) {
      await repository.addVersion(`identity_${name}`, 1, identityModel(type, ['batch', 'n']));
    }
    await repository.addModel('faces', { task: 'centerface', input: { width: 32, height: 32 } }, spotsModel(32, 32));
    await repository.addModel('means', { task: 'embedding', input: { width: 8, height: 8 } }, meansModel(8, 8));
    await repository.addModel('scores', { task: 'tensors', labels: 'labels.txt' }, identityModel());
    await repository.write('scores/labels.txt', Array.from({ length: 16 }, (_, index) => `class ${index}\n`).join(''));
  });
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

function ints(name: string, values: readonly number[], rows = 1) {
  return tensor(name, 'INT32', [rows, values.length / rows], Int32Array.from(values));
}

function sums(rest: RequestFields = {}): ModelInferRequest {
  return inferMessage('sums', [ints('INPUT0', [5, 7]), ints('INPUT1', [1, 2])], rest);
}

function read(data: Uint8Array): number[] {
  return [...new Int32Array(new Uint8Array(data).buffer)];
}

/** Every rule of requests: what is broken, and what the status says. */
async function refused(
  t: ExecutionContext,
  request: ModelInferRequest,
  details: RegExp,
  code = Status.INVALID_ARGUMENT,
) {
  const error = await t.throwsAsync<ServiceError>(client.infer(request));
  t.is(error?.code, code);
  t.regex(error?.details ?? '', details);
}

test('two inputs and two outputs, by name, with the id of the request', async (t) => {
  const response = await client.infer(sums({ id: 'first' }));
  t.like(response, { modelName: 'sums', modelVersion: '1', id: 'first' });
  const { OUTPUT0: sum, OUTPUT1: difference } = outputsOf(response);
  t.like(sum, { datatype: 'INT32', shape: [1, 2] });
  t.deepEqual(
    [read(sum!.data), read(difference!.data)],
    [
      [6, 9],
      [4, 5],
    ],
  );
});

test('only the outputs that are asked for, in that order', async (t) => {
  const response = await client.infer(sums({ outputs: [{ name: 'OUTPUT1' }] }));
  t.deepEqual(
    response.outputs.map(({ name }) => name),
    ['OUTPUT1'],
  );
  t.deepEqual(read(response.rawOutputContents[0]!), [4, 5]);
});

/** Two values of each type in the field that the protocol has for it, and their raw bytes. */
const TYPED: readonly (readonly [type: string, contents: Partial<InferTensorContents>, raw: ArrayBufferView])[] = [
  ['BOOL', { boolContents: [true, false] }, Uint8Array.of(1, 0)],
  ['UINT8', { uintContents: [1, 255] }, Uint8Array.of(1, 255)],
  ['UINT16', { uintContents: [1, 65_535] }, Uint16Array.of(1, 65_535)],
  ['UINT32', { uintContents: [1, 0xffff_ffff] }, Uint32Array.of(1, 0xffff_ffff)],
  ['UINT64', { uint64Contents: [1n, 2n ** 64n - 1n] }, BigUint64Array.of(1n, 2n ** 64n - 1n)],
  ['INT8', { intContents: [-128, 127] }, Int8Array.of(-128, 127)],
  ['INT16', { intContents: [-1, 2] }, Int16Array.of(-1, 2)],
  ['INT32', { intContents: [-1, 2] }, Int32Array.of(-1, 2)],
  ['INT64', { int64Contents: [-1n, 2n ** 62n] }, BigInt64Array.of(-1n, 2n ** 62n)],
  ['FP32', { fp32Contents: [1.5, -2] }, Float32Array.of(1.5, -2)],
  ['FP64', { fp64Contents: [1 / 3, -2] }, Float64Array.of(1 / 3, -2)],
  ['BYTES', { bytesContents: [Buffer.from('ab'), Buffer.from('')] }, Uint8Array.of(2, 0, 0, 0, 97, 98, 0, 0, 0, 0)],
];

for (const [datatype, contents, raw] of TYPED) {
  test(`typed contents of ${datatype} are answered raw`, async (t) => {
    const input = { name: 'INPUT0', datatype, shape: [1n, 2n], contents: InferTensorContents.fromPartial(contents) };
    const response = await client.infer(
      inferMessage(`identity_${datatype}`, [], { inputs: [input], rawInputContents: [] }),
    );
    const expected = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
    t.deepEqual(Buffer.from(response.rawOutputContents[0]!), expected);
    t.is(response.outputs[0]!.contents, undefined);
  });
}

for (const [datatype, raw] of [
  ['FP16', 0x3c00],
  ['BF16', 0x3fc0],
] as const) {
  test(`${datatype} goes raw, and has no typed contents`, async (t) => {
    const bits = Uint16Array.of(raw, raw);
    const response = await client.infer(
      inferMessage(`identity_${datatype}`, [tensor('INPUT0', datatype, [1, 2], bits)]),
    );
    t.deepEqual(Buffer.from(response.rawOutputContents[0]!), Buffer.from(bits.buffer));
    const contents = InferTensorContents.fromPartial({ fp32Contents: [1, 1] });
    const typed = { inputs: [{ name: 'INPUT0', datatype, shape: [1n, 2n], contents }], rawInputContents: [] };
    await refused(
      t,
      inferMessage(`identity_${datatype}`, [], typed),
      /"INPUT0" is \w+, which only raw_input_contents can hold/,
    );
  });
}

test('what a request has wrong is told with the name of the tensor', async (t) => {
  const [first, second] = [ints('INPUT0', [5, 7]), ints('INPUT1', [1, 2])];
  const input = (name: string, contents?: Partial<InferTensorContents>) => ({
    name,
    datatype: 'INT32',
    shape: [1n, 2n],
    contents: contents === undefined ? undefined : InferTensorContents.fromPartial(contents),
  });
  const typed = (...inputs: ReturnType<typeof input>[]) => inferMessage('sums', [], { inputs, rawInputContents: [] });
  const good = input('INPUT1', { intContents: [1, 2] });
  await refused(t, inferMessage('sums', [first, { ...second, name: 'OTHER' }]), /"OTHER" is no input of model sums/);
  await refused(t, inferMessage('sums', [first, second, first]), /"INPUT0" is there twice/);
  await refused(t, inferMessage('sums', [first]), /"INPUT1" is missing/);
  await refused(
    t,
    inferMessage('sums', [{ ...first, datatype: 'FP32' }, second]),
    /"INPUT0" is FP32; the model takes INT32/,
  );
  await refused(
    t,
    sums({ inputs: [{ name: 'INPUT0', datatype: 'FLOAT', shape: [1n, 2n] }, input('INPUT1')] }),
    /"INPUT0" has the datatype "FLOAT"/,
  );
  await refused(t, inferMessage('sums', [{ ...first, shape: [1, 3] }, second]), /"INPUT0" has the shape \[1, 3\]/);
  await refused(
    t,
    inferMessage('sums', [first, { ...second, data: new Uint8Array(9) }]),
    /"INPUT1" .*8 bytes, and has 9/,
  );
  await refused(t, sums({ rawInputContents: [first.data] }), /1 entries for 2 inputs/);
  await refused(
    t,
    sums({ inputs: [input('INPUT0', { intContents: [1, 2] }), input('INPUT1')] }),
    /"INPUT0" has contents beside/,
  );
  await refused(
    t,
    typed(input('INPUT0', { fp32Contents: [1, 2] }), good),
    /"INPUT0" .*fp32_contents; they belong in int_contents/,
  );
  await refused(
    t,
    typed(input('INPUT0', { intContents: [1] }), good),
    /"INPUT0" .*2 elements, and 1 values in int_contents/,
  );
  await refused(t, typed(input('INPUT0'), good), /"INPUT0" .*2 elements, and 0 values/);
  await refused(t, sums({ outputs: [{ name: 'OUTPUT9' }] }), /"OUTPUT9" is no output of model sums/);
  await refused(
    t,
    inferMessage('sums', [ints('INPUT0', Array(18).fill(1), 9), ints('INPUT1', Array(18).fill(1), 9)]),
    /"INPUT0" has 9 rows; the model takes 1 to 8/,
  );
});

test('dims that are negative or beyond counting are refused', async (t) => {
  const ask = (...shape: bigint[]) =>
    inferMessage('identity_FP32', [], {
      inputs: [{ name: 'INPUT0', datatype: 'FP32', shape }],
      rawInputContents: [new Uint8Array(4)],
    });
  for (const shape of [
    [1n, -1n],
    [-1n, -1n],
    [1n, 2n ** 62n],
    [2n ** 32n, 2n ** 32n],
    [-(2n ** 63n), 2n],
    [2n ** 31n, 0n, 1n],
  ]) {
    await refused(t, ask(...shape), /"INPUT0" has/);
  }
});

test('values that a small type cannot hold are refused', async (t) => {
  const contents = InferTensorContents.fromPartial({ intContents: [1, 128] });
  const inputs = [{ name: 'INPUT0', datatype: 'INT8', shape: [1n, 2n], contents }];
  await refused(
    t,
    inferMessage('identity_INT8', [], { inputs, rawInputContents: [] }),
    /"INPUT0" has values that INT8 cannot hold/,
  );
});

test('a model or version that is not there is NOT_FOUND', async (t) => {
  await refused(t, inferMessage('nobody', []), /no model "nobody"/, Status.NOT_FOUND);
  await refused(t, sums({ modelVersion: '7' }), /does not serve version 7/, Status.NOT_FOUND);
  await refused(t, sums({ modelVersion: 'x' }), /version "x" is not a positive whole number/);
});

test('bytes that are no message are told as such', async (t) => {
  const { response } = client.startRaw('modelInfer', Buffer.from([0x0a, 0xff, 0xff]));
  const error = await t.throwsAsync<ServiceError>(response);
  t.is(error?.code, Status.INVALID_ARGUMENT);
  t.regex(error?.details ?? '', /cannot be read as protobuf/);
});

test('values that a model refuses are told in its words, and only to whom they belong', async (t) => {
  const ask = (word: bigint) =>
    client.infer(inferMessage('words', [tensor('INPUT0', 'INT64', [1, 1], BigInt64Array.of(word))]));
  const ends = await Promise.allSettled([0n, 9n, 3n, 2n].map(ask));
  t.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  const { reason } = ends[1] as PromiseRejectedResult & { reason: ServiceError };
  t.is(reason.code, Status.INVALID_ARGUMENT);
  t.regex(reason.details, /failed to run on these tensors: .*out of data bounds/);
});

test('a classifier is asked for its best classes', async (t) => {
  const scores = Float32Array.from({ length: 32 }, (_, index) =>
    index % 16 === 3 ? 0.75 : index % 16 === 9 ? 2 : -index,
  );
  const outputs = [
    {
      name: 'OUTPUT0',
      parameters: { classification: { parameterChoice: { $case: 'int64Param' as const, int64Param: 2n } } },
    },
  ];
  const response = await client.infer(inferMessage('scores', [tensor('INPUT0', 'FP32', [2, 16], scores)], { outputs }));
  t.like(response.outputs[0], { name: 'OUTPUT0', datatype: 'BYTES', shape: [2n, 2n] });
  const texts = Array.from(readElements(response.rawOutputContents[0]!), (element) => Buffer.from(element).toString());
  t.deepEqual(texts, ['2.000000:9:class 9', '0.750000:3:class 3', '2.000000:9:class 9', '0.750000:3:class 3']);
});

test('models with a task answer with the tensors of their network, beside their task', async (t) => {
  const pixels = Float32Array.from({ length: 3 * 64 }, (_, index) => Math.floor(index / 64) + 1);
  const response = await client.infer(inferMessage('means', [tensor('input', 'FP32', [1, 3, 8, 8], pixels)]));
  const { embedding } = outputsOf(response);
  t.deepEqual(embedding?.shape, [1, 3]);
  t.deepEqual([...new Float32Array(new Uint8Array(embedding!.data).buffer)], [1, 2, 3]);
  const black = tensor('input', 'FP32', [2, 3, 32, 32], new Float32Array(2 * 3 * 1024));
  const { heat } = outputsOf(await client.infer(inferMessage('faces', [black])));
  t.deepEqual(heat?.shape, [2, 1, 8, 8]);
});

test('a large tensor comes back as it went', async (t) => {
  const values = Float32Array.from({ length: 1_500_000 }, (_, index) => index / 7);
  const response = await client.infer(
    inferMessage('identity_FP32', [tensor('INPUT0', 'FP32', [1, values.length], values)]),
  );
  t.is(Buffer.compare(Buffer.from(response.rawOutputContents[0]!), Buffer.from(values.buffer)), 0);
});
