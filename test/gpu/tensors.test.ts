import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import type { Datatype, Tensor } from '../../server/core/tensors.js';
import { closeTo } from '../support/close-to.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import {
  addSubModel,
  batchSizeModel,
  castModel,
  DATATYPES,
  dequantizeModel,
  identityModel,
  nonZeroModel,
} from '../support/tensor-models.js';
import { floats, tensor } from '../support/tensors.js';
import type { TestRepository } from '../support/test-repository.js';
import { VOCABULARY, wordsModel } from '../support/text-models.js';
import { meansModel } from '../support/tiny-models.js';
import { ENGINE_CACHE, FP32, ON_CPU, ON_GPU } from './gpu-serving.js';

/** Tensors on the GPU: what is known of them by heart, and beside the CPU. */

let serving: Serving;
let client: KserveClient;

const TENSORS = { task: 'tensors', ...ON_GPU, tensorrt: FP32 };
const profiled = (...profiles: object[]) => ({ tensorrt: { ...FP32, profiles } });
const sized = (min: number[], opt: number[], max: number[]) => ({ inputs: { INPUT0: { min, opt, max } } });
const WITH_DELAY = { dynamic_batching: { max_queue_delay_microseconds: 50_000 } };

/** Two elements of each type that TensorRT passes on, as bytes that no other type would have by accident. */
const ELEMENTS: Partial<Record<Datatype, ArrayBufferView>> = {
  BOOL: Uint8Array.of(1, 0),
  INT32: Int32Array.of(-2, 0x7fff_ffff),
  INT64: BigInt64Array.of(-2n, 0x7fff_ffff_ffff_fffen),
  FP16: Uint16Array.of(0x3c00, 0x7bff),
  FP32: Float32Array.of(1.5, -3.25e38),
  BF16: Uint16Array.of(0x3fc0, 0xff7f),
};

test.before(async () => {
  // Where a model does not load, its tests alone say so: not every TensorRT takes every type.
  const fill = async (repository: TestRepository): Promise<void> => {
    for (const type of Object.keys(ELEMENTS) as Datatype[]) {
      await repository.addModel(`identity_${type}`, TENSORS, identityModel(DATATYPES[type], ['batch', 2]));
    }
    await repository.addModel('uint8', TENSORS, castModel(DATATYPES.UINT8));
    const int8 = { ...TENSORS, tensorrt: { ...FP32, precision: 'int8' } };
    await repository.addModel('int8', int8, dequantizeModel());
    await repository.addModel('sums', { ...TENSORS, ...WITH_DELAY }, addSubModel(['batch', 2]));
    await repository.addModel('rows', { ...TENSORS, ...WITH_DELAY }, batchSizeModel());
    await repository.addModel('scalar', TENSORS, identityModel(DATATYPES.FP32, []));
    const open = identityModel(DATATYPES.FP32, ['batch', 'n']);
    const halves = profiled(sized([1], [4], [4]), sized([5], [600], [2000]));
    await repository.addModel('open', { ...TENSORS, ...halves, instance_group: { kind: 'KIND_GPU', count: 3 } }, open);
    const whole = { max_batch_size: 0, ...profiled(sized([1, 4], [2, 4], [64, 4])) };
    await repository.addModel('found', { ...TENSORS, ...whole }, nonZeroModel());
    for (const [place, group] of Object.entries({ gpu: ON_GPU, cpu: ON_CPU })) {
      const means = { task: 'embedding', input: { width: 8, height: 8 }, ...group, tensorrt: FP32 };
      await repository.addModel(`means_${place}`, means, meansModel(8, 8));
      const words = { task: 'text_classification', tokenizer: { max_length: 16 }, ...group, tensorrt: FP32 };
      await repository.write(`words_${place}/vocab.txt`, VOCABULARY);
      await repository.addModel(`words_${place}`, words, wordsModel());
    }
  };
  serving = await Serving.start(fill, ['--engine-cache', ENGINE_CACHE]);
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

async function infer(model: string, ...inputs: Tensor[]): Promise<Readonly<Record<string, Tensor>>> {
  return outputsOf(await client.infer(inferMessage(model, inputs)));
}

const bytes = ({ data }: Pick<Tensor, 'data'>) => Buffer.from(data);
const ramp = (length: number, from = 0) => Float32Array.from({ length }, (_, index) => from + index);

for (const [type, values] of Object.entries(ELEMENTS) as [Datatype, ArrayBufferView][]) {
  test(`an identity gives back ${type}, bit by bit`, async (t) => {
    const input = tensor('INPUT0', type, [1, 2], values);
    for (let round = 0; round < 3; round++) {
      const { OUTPUT0: output } = await infer(`identity_${type}`, input);
      t.like(output, { datatype: type, shape: [1, 2] });
      t.deepEqual(bytes(output!), bytes(input));
    }
  });
}

test('UINT8 and INT8 go in, as far as TensorRT takes them', async (t) => {
  const { OUTPUT0: uint8 } = await infer('uint8', tensor('INPUT0', 'UINT8', [1, 2], Uint8Array.of(3, 254)));
  t.is(uint8!.datatype, 'UINT8');
  t.deepEqual([...uint8!.data], [4, 255]);
  const { OUTPUT0: int8 } = await infer('int8', tensor('INPUT0', 'INT8', [1, 2], Int8Array.of(-4, 100)));
  t.deepEqual(floats(int8!), [-2, 50]);
});

test('the model tells its tensors, and that TensorRT runs it', async (t) => {
  const told = await client.call('modelMetadata', { name: 'sums', version: '' });
  const spec = (name: string) => ({ name, datatype: 'INT32', shape: [-1n, 2n] });
  t.like(told, { platform: 'tensorrt_plan', inputs: [spec('INPUT0'), spec('INPUT1')] });
  t.deepEqual(
    told.outputs.map((output) => ({ ...output })),
    [spec('OUTPUT0'), spec('OUTPUT1')],
  );
});

test('requests of several rows share an execution, and each gets its own back', async (t) => {
  const ask = async (first: number[], second: number[]) => {
    const input = (name: string, values: number[]) =>
      tensor(name, 'INT32', [values.length / 2, 2], Int32Array.from(values));
    const { OUTPUT0: sum, OUTPUT1: difference } = await infer('sums', input('INPUT0', first), input('INPUT1', second));
    return [sum!, difference!].map(({ data }) => [...new Int32Array(new Uint8Array(data).buffer)]);
  };
  const [one, two] = await Promise.all([ask([1, 2], [10, 20]), ask([3, 4, 5, 6], [1, 1, 1, 1])]);
  t.deepEqual(one, [[11, 22], [-9, -18]]); // prettier-ignore
  t.deepEqual(two, [[4, 5, 6, 7], [2, 3, 4, 5]]); // prettier-ignore
  const ones = Array.from({ length: 8 }, () => infer('rows', tensor('INPUT0', 'INT64', [1, 1], new BigInt64Array(1))));
  const rows = (await Promise.all(ones)).map(({ OUTPUT0: output }) => Number(bytes(output!).readBigInt64LE()));
  t.true(Math.max(...rows) > 1, rows.join());
});

test('a scalar goes in and comes out', async (t) => {
  const { OUTPUT0: output } = await infer('scalar', tensor('INPUT0', 'FP32', [], Float32Array.of(4)));
  t.deepEqual([output!.shape, floats(output!)], [[], [4]]);
});

test('tensors of many sizes at once, in both profiles, come back as they were', async (t) => {
  const lengths = Array.from({ length: 120 }, (_, index) => [1, 2, 4, 5, 37, 600, 1999, 2000][index % 8]!);
  const answers = await Promise.all(
    lengths.map((length, index) => {
      const rows = 1 + (index % 3);
      return infer('open', tensor('INPUT0', 'FP32', [rows, length], ramp(rows * length, index)));
    }),
  );
  answers.forEach(({ OUTPUT0: output }, index) => {
    const rows = 1 + (index % 3);
    t.deepEqual(output!.shape, [rows, lengths[index]]);
    t.deepEqual(floats(output!), [...ramp(rows * lengths[index]!, index)]);
  });
});

test('sizes that no profile takes are refused, and nothing else suffers', async (t) => {
  const ask = (length: number) => infer('open', tensor('INPUT0', 'FP32', [1, length], ramp(length)));
  const error = await t.throwsAsync<ServiceError>(ask(2001));
  t.is(error?.code, Status.INVALID_ARGUMENT);
  t.regex(error?.details ?? '', /input INPUT0 is 1x2001, and the plan takes .*: tensorrt\.profiles says/);
  t.deepEqual(floats((await ask(3))['OUTPUT0']!), [0, 1, 2]);
});

test('an output may have as many rows as the data makes', async (t) => {
  for (const values of [[0, 1, 0, 2], [0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 1], Array<number>(256).fill(1)]) {
    // prettier-ignore
    const rows = values.length / 4;
    const { OUTPUT0: output } = await infer('found', tensor('INPUT0', 'FP32', [rows, 4], Float32Array.from(values)));
    const places = values.flatMap((value, index) => (value === 0 ? [] : [Math.trunc(index / 4), index % 4]));
    t.deepEqual(output!.shape, [places.length / 2, 2]);
    t.deepEqual(integers(output!), places);
  }
});

/** Before TensorRT 10 the output is INT32. */
function integers({ datatype, data }: Tensor): number[] {
  const own = new Uint8Array(data).buffer;
  return datatype === 'INT32' ? [...new Int32Array(own)] : Array.from(new BigInt64Array(own), Number);
}

/** The outputs of a model on the GPU beside those of the same model on the CPU. */
async function asOnCpu(t: ExecutionContext, name: string, ...inputs: Tensor[]) {
  const [found, expected] = await Promise.all(['gpu', 'cpu'].map((place) => infer(`${name}_${place}`, ...inputs)));
  t.deepEqual(Object.keys(found!), Object.keys(expected!));
  for (const [output, { shape, datatype, data }] of Object.entries(expected!)) {
    t.like(found![output], { shape, datatype });
    closeTo(t, floats(found![output]!), floats({ data }), 1e-5);
  }
}

test('a model with a task answers with the tensors of its network, pictures', async (t) => {
  for (const rows of [1, 3, 8, 3]) {
    await asOnCpu(t, 'means', tensor('input', 'FP32', [rows, 3, 8, 8], ramp(rows * 192, rows)));
  }
  const wide = tensor('input', 'FP32', [1, 3, 8, 9], ramp(216));
  await t.throwsAsync(infer('means_gpu', wide), { message: /the model takes FP32 \[-1, 3, 8, 8\]/ });
});

test('a model with a task answers with the tensors of its network, texts', async (t) => {
  for (const [rows, length] of [
    [1, 3],
    [4, 16],
    [2, 5],
  ] as const) {
    // prettier-ignore
    const ids = BigInt64Array.from({ length: rows * length }, (_, index) => BigInt(index % 8));
    const ones = new BigInt64Array(rows * length).fill(1n);
    const shape = [rows, length];
    await asOnCpu(t, 'words', tensor('input_ids', 'INT64', shape, ids), tensor('attention_mask', 'INT64', shape, ones));
  }
  const long = (name: string) => tensor(name, 'INT64', [1, 17], new BigInt64Array(17));
  await t.throwsAsync(infer('words_gpu', long('input_ids'), long('attention_mask')), {
    message: /input input_ids is 1x17; on the GPU the model takes 1 to 8 rows of up to 16/,
  });
});
