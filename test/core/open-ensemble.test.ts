import test from 'ava';
import { openEnsemble } from '../../server/core/ensemble/open-ensemble.js';
import { ServingError } from '../../server/core/errors.js';
import { FakeNetworks, signature } from '../support/fake-networks.js';
import { makeConfig } from '../support/requests.js';

/** Which models fit together as the steps of an ensemble. */

const FP32 = { data_type: 'TYPE_FP32' };

function networks(): FakeNetworks {
  const models = new FakeNetworks();
  models.add('double', signature({ IN: [-1, 2] }, { OUT: [-1, 2] }));
  models.add('open', signature({ IN: [-1, -1] }, { OUT: [-1, -1] }));
  models.add('wide', signature({ IN: [-1, 3] }, { OUT: [-1, 3] }));
  models.add('whole', signature({ IN: ['INT64', -1, 2] }, { OUT: ['INT64', -1, 2] }));
  models.add('small', signature({ IN: [-1, 2] }, { OUT: [-1, 2] }), { max_batch_size: 2 });
  models.add('single', signature({ IN: [1, 2] }, { OUT: [1, 2] }, false), { max_batch_size: 0 });
  models.add('pipes', null);
  models.add('stateful', signature({ IN: [-1, 2] }, { OUT: [-1, 2] }), { sequence_batching: {} });
  return models;
}

interface Keys {
  readonly steps?: readonly object[];
  readonly max?: number;
  readonly input?: object;
  readonly output?: object;
}

/** Two steps, x to y; what is wrong with them, or null. */
async function problem({
  steps = stepsOf('double', 'double'),
  max = 4,
  input = {},
  output = {},
}: Keys): Promise<string | null> {
  const models = networks();
  const config = makeConfig({
    task: 'ensemble',
    input: undefined,
    max_batch_size: max,
    tensors: {
      input: [{ name: 'x', ...FP32, dims: [2], ...input }],
      output: [{ name: 'y', ...FP32, dims: [2], ...output }],
    },
    ensemble_scheduling: { step: steps },
  });
  const parts = { ...config, tensors: config.tensors!, ensemble_scheduling: config.ensemble_scheduling! };
  try {
    await using _ = await openEnsemble('both', parts, models, models.clock, new AbortController().signal);
    return null;
  } catch (cause) {
    if (!(cause instanceof ServingError) || cause.code !== 'MODEL_INVALID') throw cause;
    return cause.message;
  }
}

function stepsOf(first: string, second: string, input = 'IN', output = 'OUT'): object[] {
  return [
    { model_name: first, input_map: { [input]: 'x' }, output_map: { [output]: 'm' } },
    { model_name: second, input_map: { IN: 'm' }, output_map: { OUT: 'y' } },
  ];
}

test('tensors of equal types and shapes fit, and open dims fit any', async (t) => {
  t.is(await problem({}), null);
  t.is(await problem({ steps: stepsOf('open', 'double') }), null);
  t.is(await problem({ steps: stepsOf('double', 'open') }), null);
  t.is(
    await problem({ steps: stepsOf('single', 'single'), max: 0, input: { dims: [1, 2] }, output: { dims: [1, 2] } }),
    null,
  );
});

test('shapes and types that differ are refused with the step and the tensor', async (t) => {
  t.is(
    await problem({ steps: stepsOf('double', 'wide'), output: { dims: [3] } }),
    'step 2 (model wide): input IN is FP32 [-1, 3], and tensor m of step 1 (model double) is FP32 [-1, 2]',
  );
  t.is(
    await problem({ steps: stepsOf('whole', 'double') }),
    'step 1 (model whole): input IN is INT64 [-1, 2], and tensor x of the ensemble is FP32 [-1, 2]; ' +
      'step 2 (model double): input IN is FP32 [-1, 2], and tensor m of step 1 (model whole) is INT64 [-1, 2]',
  );
  t.is(
    await problem({ output: { dims: [7] } }),
    'step 2 (model double): output OUT is FP32 [-1, 2], and tensor y of the ensemble is FP32 [-1, 7]',
  );
});

test('names that a model does not have, and inputs that get nothing, are refused', async (t) => {
  t.is(
    await problem({ steps: stepsOf('double', 'double', 'INPUT') }),
    'step 1 (model double): its input IN gets no tensor: name one in input_map; ' +
      'step 1 (model double): it has no input INPUT; its inputs are IN',
  );
  t.regex(
    (await problem({ steps: stepsOf('double', 'double', 'IN', 'OUTPUT') }))!,
    /it has no output OUTPUT; its outputs are OUT/,
  );
});

test('a model that is not there, or has no tensors, is refused with its step', async (t) => {
  t.is(await problem({ steps: stepsOf('double', 'nobody') }), 'step 2 (model nobody): no model nobody');
  t.regex(
    (await problem({ steps: stepsOf('pipes', 'double') }))!,
    /^step 1 \(model pipes\): model pipes is a pipeline/,
  );
});

test('a batch must not be larger than those of the models', async (t) => {
  t.is(await problem({ steps: stepsOf('small', 'double'), max: 2 }), null);
  t.is(
    await problem({ steps: stepsOf('small', 'double'), max: 3 }),
    'step 1 (model small): its max_batch_size is 2, and that of the ensemble 3',
  );
});

test('a model with sequences is no step', async (t) => {
  t.regex(
    (await problem({ steps: stepsOf('double', 'stateful') }))!,
    /model stateful has sequences .* ask the model itself$/,
  );
});
