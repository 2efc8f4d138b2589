import { join } from 'node:path';
import test from 'ava';
import type { InferenceRequest } from '../../server/core/inference.js';
import type { Datatype } from '../../server/core/tensors.js';
import { InstanceGroup } from '../../server/runtime/instance-group.js';
import { makeConfig } from '../support/requests.js';
import {
  addSubModel,
  batchSizeModel,
  DATATYPES,
  gatherModel,
  identityModel,
  nonZeroModel,
} from '../support/tensor-models.js';
import { floats, tensor, tensorRequest, tensorsOf } from '../support/tensors.js';
import { TestRepository } from '../support/test-repository.js';

/** One instance, in its thread, of a model that is served as tensors. */
async function open(repository: TestRepository, bytes: Uint8Array, keys: object = {}) {
  await repository.addVersion('model', 1, bytes);
  const notes: string[] = [];
  const config = makeConfig({ task: 'tensors', input: undefined, ...keys });
  const modelFile = join(repository.directory, 'model/1/model.onnx');
  const group = await InstanceGroup.create({
    spec: { modelFile, config, labels: 0, maxPicturePixels: 1 },
    placements: [{ kind: 'cpu', threads: 1 }],
    log: (_, message) => notes.push(message),
  });
  return Object.assign(group, { notes });
}

async function run(group: InstanceGroup, ...requests: InferenceRequest[]) {
  return (await group.execute(requests)).results;
}

/** Two elements of each type, as bytes that no other type would have by accident. */
const ELEMENTS: Readonly<Record<Datatype, ArrayBufferView | readonly string[]>> = {
  BOOL: Uint8Array.of(1, 0),
  UINT8: Uint8Array.of(1, 255),
  UINT16: Uint16Array.of(1, 65_535),
  UINT32: Uint32Array.of(1, 0xffff_fffe),
  UINT64: BigUint64Array.of(1n, 0xffff_ffff_ffff_fffen),
  INT8: Int8Array.of(-1, 127),
  INT16: Int16Array.of(-1, 32_767),
  INT32: Int32Array.of(-2, 0x7fff_ffff),
  INT64: BigInt64Array.of(-2n, 0x7fff_ffff_ffff_fffen),
  FP16: Uint16Array.of(0x3c00, 0x7bff),
  FP32: Float32Array.of(1.5, -3.25e38),
  FP64: Float64Array.of(1 / 3, -1e300),
  BF16: Uint16Array.of(0x3fc0, 0xff7f),
  BYTES: ['Grüße', ''],
};

for (const [datatype, values] of Object.entries(ELEMENTS) as [Datatype, ArrayBufferView | readonly string[]][]) {
  test(`an identity gives back ${datatype}, bit by bit`, async (t) => {
    await using repository = await TestRepository.create();
    await using group = await open(repository, identityModel(DATATYPES[datatype], ['batch', 2]));
    t.deepEqual(group.signature, {
      inputs: [{ name: 'INPUT0', datatype, shape: [-1, 2] }],
      outputs: [{ name: 'OUTPUT0', datatype, shape: [-1, 2] }],
      batched: true,
    });
    const given = [tensor('INPUT0', datatype, [1, 2], values), tensor('INPUT0', datatype, [1, 2], values)];
    const expected = Buffer.from(given[0]!.data);
    const results = await run(group, ...given.map((one) => tensorRequest([one], 1)));
    for (const result of results) {
      const { OUTPUT0: output } = tensorsOf(result);
      t.deepEqual([output?.datatype, output?.shape], [datatype, [1, 2]]);
      t.deepEqual(Buffer.from(output!.data), expected);
    }
  });
}

test('BF16 becomes FLOAT in the model file, and that is told', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, identityModel(DATATYPES.BF16, ['batch', 2]));
  t.deepEqual(group.notes, [
    "model file: input 'INPUT0': BFLOAT16 -> FLOAT",
    "model file: output 'OUTPUT0': BFLOAT16 -> FLOAT",
  ]);
});

test('requests of several rows share an execution, and each gets its own back', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, addSubModel(['batch', 2]));
  const pair = (rows: number, ...[first, second]: [number[], number[]]) =>
    tensorRequest(
      [
        tensor('INPUT0', 'INT32', [rows, 2], Int32Array.from(first)),
        tensor('INPUT1', 'INT32', [rows, 2], Int32Array.from(second)),
      ],
      rows,
    );
  const results = await run(group, pair(1, [1, 2], [10, 20]), pair(2, [3, 4, 5, 6], [1, 1, 1, 1]));
  const read = results.map((result) =>
    ['OUTPUT0', 'OUTPUT1'].map((name) => {
      const { shape, data } = tensorsOf(result)[name]!;
      return [shape, [...new Int32Array(new Uint8Array(data).buffer)]];
    }),
  );
  t.deepEqual(read, [
    [
      [
        [1, 2],
        [11, 22],
      ],
      [
        [1, 2],
        [-9, -18],
      ],
    ],
    [
      [
        [2, 2],
        [4, 5, 6, 7],
      ],
      [
        [2, 2],
        [2, 3, 4, 5],
      ],
    ],
  ]);
});

test('a batch is one execution', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, batchSizeModel());
  const ask = (rows: number) => tensorRequest([tensor('INPUT0', 'INT64', [rows, 1], new BigInt64Array(rows))], rows);
  const rows = (await run(group, ask(1), ask(2), ask(4))).map((result) => {
    return [...new BigInt64Array(new Uint8Array(tensorsOf(result)['OUTPUT0']!.data).buffer)];
  });
  t.deepEqual(rows, [[7n], [7n, 7n], [7n, 7n, 7n, 7n]]);
});

test('batches are filled up to the sizes that are asked for, and what fills them is not told', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, batchSizeModel(), { dynamic_batching: { pad_to_sizes: [1, 4] } });
  const ask = (rows: number) => tensorRequest([tensor('INPUT0', 'INT64', [rows, 1], new BigInt64Array(rows))], rows);
  const batches = [[1], [1, 1], [3], [4, 2]];
  const told: bigint[][] = [];
  for (const batch of batches) {
    const results = await run(group, ...batch.map(ask));
    told.push(
      results.flatMap((result) => [...new BigInt64Array(new Uint8Array(tensorsOf(result)['OUTPUT0']!.data).buffer)]),
    );
  }
  t.deepEqual(told, [[1n], [4n, 4n], [4n, 4n, 4n], [6n, 6n, 6n, 6n, 6n, 6n]]);
});

test('texts fill up a batch as well', async (t) => {
  await using repository = await TestRepository.create();
  const model = identityModel(DATATYPES.BYTES, ['batch', 2]);
  await using group = await open(repository, model, { dynamic_batching: { pad_to_sizes: [4] } });
  const ask = (...texts: string[]) => tensorRequest([tensor('INPUT0', 'BYTES', [1, 2], texts)], 1);
  const results = await run(group, ask('a', 'bc'), ask('', 'def'));
  t.deepEqual(
    results.map((result) => Buffer.from(tensorsOf(result)['OUTPUT0']!.data).toString()),
    ['\u0001\0\0\0a\u0002\0\0\0bc', '\0\0\0\0\u0003\0\0\0def'],
  );
});

test('large tensors of one message move together, and an odd offset does no harm', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, addSubModel(['batch', 'n'], DATATYPES.FP32));
  const length = 50_000;
  const message = new Uint8Array(3 + length * 8);
  const values = Float32Array.from({ length }, (_, index) => index);
  message.set(new Uint8Array(values.buffer), 3);
  message.set(new Uint8Array(values.buffer), 3 + length * 4);
  const tensors = ['INPUT0', 'INPUT1'].map((name, index) => ({
    name,
    datatype: 'FP32' as const,
    shape: [1, length],
    data: message.subarray(3 + index * length * 4, 3 + (index + 1) * length * 4),
  }));
  const [result] = await run(group, tensorRequest(tensors, 1));
  const { OUTPUT0: sum, OUTPUT1: difference } = tensorsOf(result!);
  t.deepEqual(
    floats(sum!),
    Array.from(values, (value) => value * 2),
  );
  t.true(floats(difference!).every((value) => value === 0));
  t.is(message.byteLength, 0, 'moved');
});

test('only the outputs that a request names come back, in its order', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, addSubModel(['batch', 1]));
  const ask = (outputs: string[] | null) =>
    tensorRequest(
      ['INPUT0', 'INPUT1'].map((name) => tensor(name, 'INT32', [1, 1], Int32Array.of(3))),
      1,
      outputs,
    );
  const results = await run(group, ask(['OUTPUT1']), ask(['OUTPUT1', 'OUTPUT0']));
  t.deepEqual(
    results.map((result) => Object.keys(tensorsOf(result))),
    [['OUTPUT1'], ['OUTPUT1', 'OUTPUT0']],
  );
});

test('a request whose values the model refuses fails alone', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, gatherModel());
  const ask = (...words: bigint[]) =>
    tensorRequest([tensor('INPUT0', 'INT64', [1, words.length], BigInt64Array.from(words))], 1);
  const [first, bad, last] = await run(group, ask(0n, 3n), ask(1n, 9n), ask(2n, 2n));
  t.deepEqual(floats(tensorsOf(first!)['OUTPUT0']!), [10, 13]);
  t.like(bad!.outcome, { code: 'INVALID_REQUEST' });
  t.deepEqual(floats(tensorsOf(last!)['OUTPUT0']!), [12, 12]);
  await t.throwsAsync(run(group, ask(9n)), { message: /failed to run on these tensors: .*out of data bounds/ });
});

test('a scalar goes in and comes out, and so does a tensor without elements', async (t) => {
  await using repository = await TestRepository.create();
  await using scalar = await open(repository, identityModel(DATATYPES.FP32, []));
  t.false(scalar.signature!.batched);
  const [result] = await run(scalar, tensorRequest([tensor('INPUT0', 'FP32', [], Float32Array.of(4))], 1));
  t.deepEqual(tensorsOf(result!)['OUTPUT0']!.shape, []);
  t.deepEqual(floats(tensorsOf(result!)['OUTPUT0']!), [4]);
  await using empty = await open(repository, identityModel(DATATYPES.FP32, ['a', 'b']), { max_batch_size: 0 });
  const [nothing] = await run(empty, tensorRequest([tensor('INPUT0', 'FP32', [3, 0], new Float32Array(0))], 1));
  t.deepEqual(tensorsOf(nothing!)['OUTPUT0']!.shape, [3, 0]);
});

test('an open first dim everywhere is a batch, as Triton has it, unless the configuration says otherwise', async (t) => {
  await using repository = await TestRepository.create();
  const batched = async (bytes: Uint8Array, keys: object = {}) => {
    await using group = await open(repository, bytes, keys);
    return group.signature!.batched;
  };
  t.true(await batched(identityModel()));
  t.true(await batched(identityModel(), { max_batch_size: 2 }));
  t.false(await batched(identityModel(), { max_batch_size: 0 }));
  t.false(await batched(identityModel(DATATYPES.FP32, [1, 'n'])));
  t.false(await batched(identityModel(DATATYPES.FP32, null)));
});

test('a model without the batch dimension that its configuration says is refused', async (t) => {
  await using repository = await TestRepository.create();
  const fixed = identityModel(DATATYPES.FP32, [1, 4]);
  await t.throwsAsync(open(repository, fixed, { max_batch_size: 4 }), {
    message: /tensor 'INPUT0' is \[1, 4\], and max_batch_size 4 wants an open first dim.*max_batch_size: 0/,
  });
  await t.throwsAsync(open(repository, nonZeroModel()), {
    message: /output 'OUTPUT0' has the shape \[0, 2\] for 1 rows/,
  });
  await t.notThrowsAsync(
    open(repository, nonZeroModel(), { max_batch_size: 0 }).then((group) => group[Symbol.asyncDispose]()),
  );
});

test('texts that ONNX Runtime cannot be handed are refused by name', async (t) => {
  await using repository = await TestRepository.create();
  await using group = await open(repository, identityModel(DATATYPES.BYTES, ['batch', 1]));
  const ask = (...bytes: number[]) => ({
    name: 'INPUT0',
    datatype: 'BYTES' as const,
    shape: [1, 1],
    data: Uint8Array.of(bytes.length, 0, 0, 0, ...bytes),
  });
  await t.throwsAsync(run(group, tensorRequest([ask(0xff)], 1)), { message: /"INPUT0" is not UTF-8 in element 0/ });
  await t.throwsAsync(run(group, tensorRequest([ask(97, 0)], 1)), { message: /"INPUT0" has a zero byte in element 0/ });
});
