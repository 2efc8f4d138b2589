import test from 'ava';
import { declaredSignature, withDeclaredTensors } from '../../server/core/declared-tensors.js';
import { ServingError } from '../../server/core/errors.js';
import { tensorsSchema } from '../../server/core/tensors-config.js';
import type { TensorSignature } from '../../server/core/tensors.js';
import { FakeExecutor } from '../support/fake-executor.js';
import { answer, given, signature } from '../support/fake-networks.js';
import { tensor, tensorRequest, tensorsOf } from '../support/tensors.js';

/** What a configuration says of tensors, against what the model file has. */

const NETWORK = signature(
  { data: [-1, 3, -1], ids: ['INT64', -1, 4] },
  { scores: [-1, 10], boxes: [-1, -1, 4], scalar: [] },
);

interface Declared {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data_type?: string;
  readonly reshape?: object;
}

function declare(input: readonly Declared[], output: readonly Declared[]) {
  const typed = (each: Declared) => ({ data_type: 'TYPE_FP32', ...each });
  return tensorsSchema.parse({ input: input.map(typed), output: output.map(typed) });
}

const IDS = { name: 'ids', data_type: 'TYPE_INT64', dims: [4] };

function declared(input: readonly Declared[], output: readonly Declared[], network: TensorSignature = NETWORK) {
  return declaredSignature(network, declare(input, output));
}

function problem(input: readonly Declared[], output: readonly Declared[], network?: TensorSignature): string | null {
  try {
    declared(input, output, network);
    return null;
  } catch (cause) {
    if (!(cause instanceof ServingError) || cause.code !== 'MODEL_INVALID') throw cause;
    return cause.message.replace('the declared tensors do not fit the model file: ', '');
  }
}

test('requests see what is declared, with the batch in front, and no output that is not', (t) => {
  const { inputs, outputs } = declared([IDS, { name: 'data', dims: [3, 224] }], [{ name: 'boxes', dims: [-1, 4] }]);
  t.deepEqual(inputs, [
    { name: 'data', datatype: 'FP32', shape: [-1, 3, 224] },
    { name: 'ids', datatype: 'INT64', shape: [-1, 4] },
  ]);
  t.deepEqual(outputs, [{ name: 'boxes', datatype: 'FP32', shape: [-1, -1, 4] }]);
});

test('what is not declared is as the model file has it', (t) => {
  t.deepEqual(declared([], []), NETWORK);
});

test('names, types and shapes that the model file has otherwise are told with what was expected and found', (t) => {
  t.is(
    problem([IDS, { name: 'image', dims: [3, -1] }], []),
    'input image is not in the model file, whose inputs are data, ids; ' +
      'input data of the model file (FP32 [-1, 3, -1]) is not declared',
  );
  t.is(
    problem(
      [
        { ...IDS, data_type: 'TYPE_INT32' },
        { name: 'data', dims: [3, -1] },
      ],
      [],
    ),
    'input ids is declared INT32, and is INT64',
  );
  t.is(
    problem([IDS, { name: 'data', dims: [1, -1] }], [{ name: 'scores', dims: [11] }]),
    'input data is declared [-1, 1, -1], with the batch that max_batch_size puts in front, and is [-1, 3, -1]; ' +
      'output scores is declared [-1, 11], with the batch that max_batch_size puts in front, and is [-1, 10]',
  );
  t.regex(problem([IDS, { name: 'data', dims: [3, 2, 2] }], [])!, /^input data is declared \[-1, 3, 2, 2\]/);
  // The model takes nothing but 4: any other number would be refused by it.
  t.regex(
    problem(
      [
        { ...IDS, dims: [-1] },
        { name: 'data', dims: [3, -1] },
      ],
      [],
    )!,
    /^input ids is declared \[-1, -1\]/,
  );
  t.is(problem([], [{ name: 'scores', dims: [-1] }]), null);
});

test('without a batch the dims are the whole shape', (t) => {
  const single = signature({ x: [1, 3] }, { y: [1, 5] }, false);
  t.is(problem([{ name: 'x', dims: [1, 3] }], [{ name: 'y', dims: [1, 5] }], single), null);
  t.is(problem([{ name: 'x', dims: [3] }], [], single), 'input x is declared [3] and is [1, 3]');
});

test('a reshape is between what requests have and what the network has', async (t) => {
  const network = new FakeExecutor();
  network.signature = signature({ x: [1, 3, -1] }, { y: [1, 10, 1, 1], s: [] }, false);
  await using executor = await withDeclaredTensors(
    network,
    declare(
      [{ name: 'x', dims: [3, -1], reshape: { shape: [1, 3, -1] } }],
      [
        { name: 's', dims: [1] },
        { name: 'y', dims: [10], reshape: { shape: [1, 10, 1, 1] } },
      ],
    ),
  );
  t.deepEqual(executor.signature!.inputs, [{ name: 'x', datatype: 'FP32', shape: [3, -1] }]);
  t.deepEqual(
    executor.signature!.outputs.map(({ name, shape }) => [name, shape]),
    [
      ['s', [1]],
      ['y', [10]],
    ],
  );
  const run = executor.execute([tensorRequest([tensor('x', 'FP32', [3, 2], new Float32Array(6))], 1)]);
  const [request] = network.running[0]!.requests;
  t.deepEqual(given(request!)['x']!.shape, [1, 3, 2]);
  t.deepEqual(request!.parameters, { kind: 'infer', outputs: ['s', 'y'] });
  const y = tensor('y', 'FP32', [1, 10, 1, 1], new Float32Array(10));
  network.running[0]!.finish([answer(tensor('s', 'FP32', [], new Float32Array(1)), y)]);
  const results = tensorsOf((await run).results[0]!);
  t.deepEqual(results['y']!.shape, [10]);
  t.deepEqual(results['s']!.shape, [1]);
  t.is(results['y']!.data, y.data);
});

test('a batch is reshaped row by row', async (t) => {
  const network = new FakeExecutor();
  network.signature = signature({ x: [-1] }, { y: [-1, 4] });
  await using executor = await withDeclaredTensors(
    network,
    declare([{ name: 'x', dims: [1], reshape: { shape: [] } }], [{ name: 'y', dims: [2, 2], reshape: { shape: [4] } }]),
  );
  t.deepEqual(executor.signature!.inputs[0]!.shape, [-1, 1]);
  const run = executor.execute([tensorRequest([tensor('x', 'FP32', [3, 1], new Float32Array(3))], 3)]);
  t.deepEqual(given(network.running[0]!.requests[0]!)['x']!.shape, [3]);
  network.running[0]!.finish([answer(tensor('y', 'FP32', [3, 4], new Float32Array(12)))]);
  t.deepEqual(tensorsOf((await run).results[0]!)['y']!.shape, [3, 2, 2]);
});

test('an executor that does not fit is closed', async (t) => {
  const network = new FakeExecutor();
  network.signature = NETWORK;
  await t.throwsAsync(withDeclaredTensors(network, declare([{ name: 'z', dims: [] }], [])), {
    instanceOf: ServingError,
  });
  t.true(network.disposed);
});

test('what the batcher asks an executor is passed on', async (t) => {
  const network = new FakeExecutor(3);
  network.signature = NETWORK;
  await using executor = await withDeclaredTensors(network, declare([], []));
  let idle = 0;
  executor.onIdle = () => (idle += 1);
  network.add();
  t.deepEqual([executor.instances, executor.idle, idle], [4, 4, 1]);
});
