import test from 'ava';
import { modelConfigSchema } from '../../server/core/model-config.js';
import { readEngineInputs } from '../../server/runtime/engine-inputs.js';
import { engineFacts, engineKey, engineOptions } from '../../server/runtime/engine-key.js';
import { gpu } from '../support/fake-gpu.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { addSubModel, DATATYPES, gatherModel, identityModel, nonZeroModel } from '../support/tensor-models.js';

const NEVER = new AbortController().signal;

/** What the plan of a model of task tensors is built from; `keys` as its config.yaml would have them. */
async function read(bytes: Uint8Array, keys: object = {}) {
  await using scratch = await ScratchDirectory.create();
  const file = await scratch.write('model/1/model.onnx', bytes);
  return await readEngineInputs(file, modelConfigSchema.parse({ task: 'tensors', ...keys }), NEVER);
}

const options = async (bytes: Uint8Array, keys: object = {}) => engineOptions(await read(bytes, keys));
const profiles = async (bytes: Uint8Array, keys: object = {}) => (await options(bytes, keys)).profiles;
const profiled = (...all: object[]) => ({ tensorrt: { profiles: all } });
const sizes = (min: number[], opt: number[], max: number[]) => ({ min, opt, max });
const NO_PICTURE = { height: null, width: null };

test('a model is built as its file is, in its own types, with every input in the profile', async (t) => {
  const inputs = await read(addSubModel(), { max_batch_size: 4 });
  t.deepEqual(Uint8Array.from(inputs.onnx), addSubModel());
  t.is(inputs.config.batch_dimension, true);
  const { keepTypes, profiles: built } = engineOptions(inputs);
  t.is(keepTypes, true);
  const range = sizes([1, 16], [4, 16], [4, 16]);
  t.deepEqual(built, [
    {
      batch: { min: 1, opt: 4, max: 4 },
      ...NO_PICTURE,
      inputs: [
        { name: 'INPUT0', ...range },
        { name: 'INPUT1', ...range },
      ],
    },
  ]);
});

test('sizes that the file leaves open come from the profiles, without the batch', async (t) => {
  const open = identityModel(DATATYPES.FP32, ['batch', 'n', 3]);
  const INPUT0 = sizes([1, 3], [5, 3], [9, 3]);
  const batch = { min: 1, opt: 2, max: 2 };
  const [one, two, ...others] = await profiles(open, {
    max_batch_size: 8,
    ...profiled({ batch, inputs: { INPUT0 } }, { inputs: { INPUT0 } }),
  });
  t.deepEqual(one!.inputs, [{ name: 'INPUT0', ...sizes([1, 1, 3], [2, 5, 3], [2, 9, 3]) }]);
  t.deepEqual(two!.inputs, [{ name: 'INPUT0', ...sizes([1, 1, 3], [8, 5, 3], [8, 9, 3]) }]);
  t.deepEqual(others, []);
});

test('without a batch dimension all sizes are in the profiles, and a scalar has none', async (t) => {
  const open = identityModel(DATATYPES.FP32, ['a', 'b']);
  const INPUT0 = sizes([1, 1], [4, 2], [8, 4]);
  const keys = { max_batch_size: 0, ...profiled({ inputs: { INPUT0 } }) };
  t.deepEqual((await profiles(open, keys))[0]!.inputs, [{ name: 'INPUT0', ...INPUT0 }]);
  const scalar = await read(identityModel(DATATYPES.INT64, []));
  t.is(scalar.config.batch_dimension, false);
  t.deepEqual(engineOptions(scalar).profiles[0]!.inputs, [{ name: 'INPUT0', ...sizes([], [], []) }]);
});

test('what is open and in no profile is told with what to write', async (t) => {
  await t.throwsAsync(read(gatherModel()), {
    code: 'MODEL_INVALID',
    message:
      /model\.onnx: input 'INPUT0' is \[-1, -1\], and TensorRT has to know .* write `tensorrt: \{ profiles: \[\{ inputs: \{ INPUT0: \{ min: \[\.\.\], opt: \[\.\.\], max: \[\.\.\] \} \} \}\] \}`, without the batch$/,
  });
  await t.throwsAsync(read(gatherModel(), { max_batch_size: 0 }), { message: /\] \}`$/ });
});

for (const [what, inputs, message] of [
  ['an input that is none', { OTHER: sizes([1], [1], [1]) }, /names the input 'OTHER'; the inputs are INPUT0$/],
  ['another number of sizes', { INPUT0: sizes([1], [1], [1]) }, /must have 2 without the batch sizes for it$/],
  ['another size than the file has', { INPUT0: sizes([1, 4], [1, 4], [1, 4]) }, /asks for 4 in place of 3$/],
] as const) {
  test(`a profile does not fit with ${what}`, async (t) => {
    const model = identityModel(DATATYPES.FP32, ['batch', 'n', 3]);
    await t.throwsAsync(read(model, profiled({ inputs })), { code: 'MODEL_INVALID', message });
  });
}

for (const type of ['FP64', 'UINT16', 'UINT32', 'UINT64', 'INT16', 'BYTES'] as const) {
  test(`tensors of ${type} are not for TensorRT`, async (t) => {
    await t.throwsAsync(read(identityModel(DATATYPES[type])), {
      code: 'MODEL_INVALID',
      message: /input 'INPUT0' is \w+, which TensorRT does not take$/,
    });
  });
}

test('the batch is that of the file where nothing is said, and has to be there where it is', async (t) => {
  t.is((await read(identityModel(DATATYPES.FP32, [1, 4]))).config.batch_dimension, false);
  await t.throwsAsync(read(identityModel(DATATYPES.FP32, [1, 4]), { max_batch_size: 2 }), {
    code: 'MODEL_INVALID',
    message: /tensor 'INPUT0' is \[1, 4\], and max_batch_size 2 wants an open first dim/,
  });
  await t.throwsAsync(read(identityModel(DATATYPES.FP32, null)), { message: /tells no shape/ });
});

test('int8 is only for files that say how', async (t) => {
  await t.throwsAsync(read(nonZeroModel(), { tensorrt: { precision: 'int8' } }), {
    code: 'CONFIG_INVALID',
    message: /int8, and the model file has no Q\/DQ nodes: a model of task tensors cannot be calibrated/,
  });
});

test('the plan is another one with other sizes, and than that of a task', async (t) => {
  const keyOf = async (max: number) => {
    const INPUT0 = sizes([1], [2], [max]);
    return engineKey(engineFacts(await read(gatherModel(), profiled({ inputs: { INPUT0 } })), gpu(), '10.6.0'));
  };
  t.is(await keyOf(4), await keyOf(4));
  t.not(await keyOf(4), await keyOf(5));
  const { keepTypes } = engineOptions({ config: modelConfigSchema.parse({ task: 'text_embedding' }), profiles: null });
  t.is(keepTypes, undefined);
});
