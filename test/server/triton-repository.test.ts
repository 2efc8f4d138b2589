import test from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { Operator } from '../support/operator.js';
import { Serving } from '../support/serving.js';
import { addSubModel, gatherModel, identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import type { TestRepository } from '../support/test-repository.js';

/** A model repository as Triton has them, served by the real server and asked over the open inference protocol. */

const ADD_SUB = `
name: "add_sub"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  { name: "INPUT0" data_type: TYPE_INT32 dims: [ 16 ] },
  { name: "INPUT1" data_type: TYPE_INT32 dims: [ 16 ] }
]
output [
  { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 16 ] },
  { name: "OUTPUT1" data_type: TYPE_INT32 dims: [ 16 ] }
]
instance_group [ { kind: KIND_CPU count: 2 } ]
dynamic_batching { max_queue_delay_microseconds: 1000 }
response_cache { enable: true }
`;

/** Requests have four classes, the model has a picture's shape around them. */
const CLASSES = `
backend: "onnxruntime"
input { name: "INPUT0" data_type: TYPE_FP32 dims: 4 reshape { shape: [ 1, 4, 1, 1 ] } }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: 4 reshape { shape: [ 1, 4, 1, 1 ] } label_filename: "animals.txt" }
`;

/** y is 2a and z is 2b: sum and difference of the sum and the difference. */
const TWICE = `
platform: "ensemble"
max_batch_size: 4
input [ { name: "a" data_type: TYPE_INT32 dims: 16 }, { name: "b" data_type: TYPE_INT32 dims: 16 } ]
output [
  { name: "y" data_type: TYPE_INT32 dims: 16 },
  { name: "z" data_type: TYPE_INT32 dims: 16 },
  { name: "sum" data_type: TYPE_INT32 dims: 16 }
]
ensemble_scheduling {
  step {
    model_name: "add_sub"
    input_map [ { key: "INPUT0" value: "sum" }, { key: "INPUT1" value: "difference" } ]
    output_map [ { key: "OUTPUT0" value: "y" }, { key: "OUTPUT1" value: "z" } ]
  }
  step {
    model_name: "add_sub" model_version: -1
    input_map { key: "INPUT0" value: "a" } input_map { key: "INPUT1" value: "b" }
    output_map { key: "OUTPUT0" value: "sum" } output_map { key: "OUTPUT1" value: "difference" }
  }
}
`;

async function addTo(repository: TestRepository, name: string, config: string, model?: Uint8Array): Promise<void> {
  await repository.write(`${name}/config.pbtxt`, config);
  if (model !== undefined) await repository.addVersion(name, 1, model);
}

async function basics(repository: TestRepository): Promise<void> {
  await addTo(repository, 'add_sub', ADD_SUB, addSubModel());
  await addTo(repository, 'twice', TWICE);
}

function row(from: number): Int32Array {
  return Int32Array.from({ length: 16 }, (_, index) => from + index);
}

function ints({ data }: { readonly data: Uint8Array }): number[] {
  return [...new Int32Array(new Uint8Array(data).buffer)];
}

function ask(
  client: KserveClient,
  model: string,
  [first, second]: readonly [string, string],
  a: Int32Array,
  b: Int32Array,
) {
  const shape = [a.length / 16, 16];
  return client
    .infer(inferMessage(model, [tensor(first, 'INT32', shape, a), tensor(second, 'INT32', shape, b)]))
    .then(outputsOf);
}

test('models and ensembles answer under the names and shapes that config.pbtxt gives them', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await basics(repository);
    await addTo(repository, 'classes', CLASSES, identityModel(DataType.FLOAT, [1, 4, 1, 1]));
    await repository.write('classes/animals.txt', 'cat\ndog\ncow\nhen\n');
    await addTo(repository, 'bare', '', identityModel(DataType.STRING, ['batch', 2]));
  });
  using client = new KserveClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  await operator.until('add_sub/1 READY', 'bare/1 READY', 'classes/1 READY', 'twice/1 READY');

  const { OUTPUT0, OUTPUT1 } = await ask(client, 'add_sub', ['INPUT0', 'INPUT1'], row(5), row(1));
  t.deepEqual(
    ints(OUTPUT0!),
    [...row(0)].map((at) => 6 + 2 * at),
  );
  t.deepEqual(ints(OUTPUT1!), Array<number>(16).fill(4));

  const { y, z, sum, ...others } = await ask(client, 'twice', ['a', 'b'], row(5), row(1));
  t.deepEqual(others, {});
  t.deepEqual(y!.shape, [1, 16]);
  t.deepEqual(
    ints(y!),
    [...row(5)].map((value) => 2 * value),
  );
  t.deepEqual(
    ints(z!),
    [...row(1)].map((value) => 2 * value),
  );
  t.deepEqual(ints(sum!), ints(OUTPUT0!));

  const scores = tensor('INPUT0', 'FP32', [4], Float32Array.from([0.25, 4, 1, 2]));
  const plain = outputsOf(await client.infer(inferMessage('classes', [scores])));
  t.deepEqual(plain['OUTPUT0']!.shape, [4]);
  const classification = { parameterChoice: { $case: 'int64Param', int64Param: 2n } } as const;
  const outputs = [{ name: 'OUTPUT0', parameters: { classification } }];
  const { OUTPUT0: best } = outputsOf(await client.infer(inferMessage('classes', [scores], { outputs })));
  t.deepEqual(best!.shape, [2]);
  t.regex(Buffer.from(best!.data).toString(), /4\.000000:1:dog.*2\.000000:3:hen/s);

  const words = tensor('INPUT0', 'BYTES', [3, 2], ['a', '', 'ccc', 'd', 'e', 'f']);
  t.deepEqual(outputsOf(await client.infer(inferMessage('bare', [words])))['OUTPUT0']!.data, Buffer.from(words.data));
});

test('what the files say of the models is what clients are told of them', async (t) => {
  await using serving = await Serving.start(basics);
  using client = new KserveClient(serving.server.grpcAddress);
  const metadata = await client.call('modelMetadata', { name: 'twice', version: '' });
  t.is(metadata.platform, 'ensemble');
  t.deepEqual(
    metadata.outputs.map(({ name, datatype, shape }) => [name, datatype, shape.map(Number)]),
    ['y', 'z', 'sum'].map((name) => [name, 'INT32', [-1, 16]]),
  );
  const { config } = await client.call('modelConfig', { name: 'twice', version: '' });
  t.is(config!.maxBatchSize, 4);
  t.is(config!.schedulingChoice?.$case, 'ensembleScheduling');
  const steps =
    config!.schedulingChoice?.$case === 'ensembleScheduling' ? config!.schedulingChoice.ensembleScheduling.step : [];
  t.deepEqual(
    steps.map(({ modelName, inputMap }) => [modelName, inputMap]),
    [
      ['add_sub', { INPUT0: 'sum', INPUT1: 'difference' }],
      ['add_sub', { INPUT0: 'a', INPUT1: 'b' }],
    ],
  );
});

test('what is not done as it says is logged with model, place, field and what happens instead', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await basics(repository);
    await repository.configure('add_sub', { task: 'tensors' });
    await addTo(repository, 'pinned', 'runtime: "other.so"', identityModel());
  });
  const warnings = serving.server.log.filter(({ level }) => level === 40);
  t.deepEqual(
    warnings.map(({ model, place, field, instead }) => [
      model,
      String(place).replace(`${serving.repository.directory}/`, ''),
      field,
      instead,
    ]),
    [
      ['add_sub', 'add_sub/config.pbtxt', '', 'config.yaml counts.'],
      ['pinned', 'pinned/config.pbtxt:1:1', 'runtime', 'ONNX Runtime runs all models of tensors.'],
    ],
  );
});

test('models that cannot be served say why, and the others serve', async (t) => {
  const declared = (input: string) =>
    `input { ${input} }\noutput { name: "OUTPUT0" data_type: TYPE_FP32 dims: 16 }\nmax_batch_size: 2`;
  await using serving = await Serving.start(async (repository) => {
    await addTo(repository, 'python', 'backend: "python"');
    await addTo(repository, 'plan', 'platform: "tensorrt_plan"');
    await repository.write('plan/1/model.plan', 'a plan');
    await addTo(repository, 'typo', 'max_batch_sise: 4', identityModel());
    await addTo(repository, 'name', declared('name: "x" data_type: TYPE_FP32 dims: 16'), identityModel());
    await addTo(repository, 'type', declared('name: "INPUT0" data_type: TYPE_INT8 dims: 16'), identityModel());
    await addTo(repository, 'shape', declared('name: "INPUT0" data_type: TYPE_FP32 dims: 17'), identityModel());
    await addTo(
      repository,
      'unbatched',
      declared('name: "INPUT0" data_type: TYPE_FP32 dims: 16'),
      identityModel(DataType.FLOAT, [1, 16]),
    );
    await addTo(repository, 'twice', TWICE);
    await addTo(repository, 'good', declared('name: "INPUT0" data_type: TYPE_FP32 dims: 16'), identityModel());
  });
  using operator = await Operator.of(serving.server);
  const reason = async (name: string) => (await operator.reasons(name)).join();
  t.regex(
    await reason('python'),
    /config\.pbtxt:1:1: backend: python is not served here; what is: onnxruntime, tensorrt$/,
  );
  t.regex(
    await reason('plan'),
    /1\/model\.plan is a plan.*put the ONNX file that it was built from at .*1\/model\.onnx/,
  );
  t.regex(
    await reason('typo'),
    /config\.pbtxt:1:1: max_batch_sise: there is no such field \(did you mean max_batch_size\?\)/,
  );
  t.regex(
    await reason('name'),
    /input x is not in the model file, whose inputs are INPUT0; input INPUT0 .* is not declared/,
  );
  t.regex(await reason('type'), /input INPUT0 is declared INT8, and is FP32/);
  t.regex(await reason('shape'), /input INPUT0 is declared \[-1, 17\].* and is \[-1, 16\]/);
  t.not(await reason('unbatched'), '');
  t.regex(await reason('twice'), /step 1 \(model add_sub\): the repository has no model directory "add_sub"/);
  t.true((await operator.states()).includes('good/1 READY'));
});

test('a step that fails fails the request with its name', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await addTo(repository, 'words', '', gatherModel());
    await addTo(
      repository,
      'reader',
      `max_batch_size: 8
       input { name: "at" data_type: TYPE_INT64 dims: -1 } output { name: "word" data_type: TYPE_FP32 dims: -1 }
       ensemble_scheduling { step { model_name: "words" input_map { key: "INPUT0" value: "at" } output_map { key: "OUTPUT0" value: "word" } } }`,
    );
  });
  using client = new KserveClient(serving.server.grpcAddress);
  const read = (...at: bigint[]) =>
    client.infer(inferMessage('reader', [tensor('at', 'INT64', [1, at.length], BigInt64Array.from(at))]));
  const good = outputsOf(await read(3n, 0n));
  t.deepEqual([...new Float32Array(new Uint8Array(good['word']!.data).buffer)], [13, 10]);
  const error = await t.throwsAsync(read(9n));
  t.regex(error.message, /step 1 \(model words\)/);
});

test('requests that run at once keep to their own tensors, however large', async (t) => {
  const length = 65_536;
  const dims = `dims: ${length}`;
  const large = (config: string) => config.replaceAll(/dims: (\[ 16 \]|16)/g, dims);
  await using serving = await Serving.start(async (repository) => {
    await addTo(repository, 'add_sub', large(ADD_SUB), addSubModel(['batch', length]));
    await addTo(repository, 'twice', large(TWICE));
  });
  using client = new KserveClient(serving.server.grpcAddress);
  const request = async (number: number) => {
    const rows = 1 + (number % 3);
    const a = Int32Array.from({ length: rows * length }, (_, index) => number * 7919 + index);
    const b = Int32Array.from(a, (value) => value ^ 0x5555);
    const shape = [rows, length];
    const tensors = [tensor('a', 'INT32', shape, a), tensor('b', 'INT32', shape, b)];
    const { y, z, sum } = outputsOf(await client.infer(inferMessage('twice', tensors)));
    const doubled = (of: Int32Array) => Buffer.from(of.map((value) => 2 * value).buffer);
    const summed = Buffer.from(a.map((value, index) => value + b[index]!).buffer);
    return doubled(a).equals(y!.data) && doubled(b).equals(z!.data) && summed.equals(sum!.data);
  };
  for (let round = 0; round < 4; round++) {
    const right = await Promise.all(Array.from({ length: 12 }, (_, index) => request(round * 12 + index)));
    t.deepEqual(right, Array(12).fill(true));
  }
});

test('a load may bring fields in place of those of config.pbtxt', async (t) => {
  await using serving = await Serving.start(basics, ['--model-control-mode', 'explicit']);
  using client = new KserveClient(serving.server.grpcAddress);
  const load = (modelName: string, override?: object) => {
    const config = { parameterChoice: { $case: 'stringParam', stringParam: JSON.stringify(override) } } as const;
    const parameters = override === undefined ? {} : { config };
    return client.call('repositoryModelLoad', { repositoryName: '', modelName, parameters });
  };
  const most = async () => {
    const { config } = await client.call('modelConfig', { name: 'add_sub', version: '' });
    return config!.maxBatchSize;
  };
  // Loads the model of its steps too.
  await load('twice');
  t.is(await most(), 8);
  await load('add_sub', { maxBatchSize: 6 });
  t.is(await most(), 6);
  const error = await t.throwsAsync(load('add_sub', { max_batch: 6 }));
  t.regex(error.message, /max_batch: there is no such field \(did you mean max_batch_size\?\)/);
  t.is(await most(), 6);
  await load('add_sub');
  t.is(await most(), 8);
});

test('changes of config.pbtxt are followed, also by ensembles', async (t) => {
  await using serving = await Serving.start(basics, ['--model-control-mode', 'poll', '--repository-poll-secs', '1']);
  using client = new KserveClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  const twice = async () => ints((await ask(client, 'twice', ['a', 'b'], row(5), row(1)))['y']!);
  t.deepEqual(
    await twice(),
    [...row(5)].map((value) => 2 * value),
  );
  // The other way round: y becomes 2b.
  await serving.repository.write(
    'twice/config.pbtxt',
    TWICE.replace(
      '{ key: "OUTPUT0" value: "y" }, { key: "OUTPUT1" value: "z" }',
      '{ key: "OUTPUT1" value: "y" }, { key: "OUTPUT0" value: "z" }',
    ),
  );
  const expected = [...row(1)].map((value) => 2 * value).join();
  await eventually('the ensemble has changed', async () => (await twice()).join() === expected);
  await serving.repository.write('add_sub/config.pbtxt', ADD_SUB.replace('dims: [ 16 ]', 'dims: [ 15 ]'));
  await eventually('the mistake is told', async () => (await operator.reasons('add_sub')).join().includes('[-1, 15]'));
  t.deepEqual(
    await twice(),
    [...row(1)].map((value) => 2 * value),
  );
});
