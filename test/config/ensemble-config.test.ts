import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { FILE, problems } from '../support/config-problems.js';

/** The sections `tensors` and `ensemble_scheduling` of a config.yaml. */

const ENSEMBLE = `task: ensemble
max_batch_size: 4
tensors:
  input:
    - { name: x, data_type: TYPE_FP32, dims: [2] }
  output:
    - { name: y, data_type: TYPE_STRING, dims: [-1] }
ensemble_scheduling:
  step:
    - model_name: a
      input_map: { IN: x }
      output_map: { OUT: y }
`;

test('an ensemble has the names that Triton gives it', (t) => {
  t.like(parseModelConfig(ENSEMBLE, FILE), {
    task: 'ensemble',
    max_batch_size: 4,
    batch_dimension: true,
    tensors: { input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2] }] },
    ensemble_scheduling: {
      step: [{ model_name: 'a', model_version: -1, input_map: { IN: 'x' }, output_map: { OUT: 'y' } }],
      max_inflight_requests: 0,
    },
  });
  const { max_batch_size: most, batch_dimension: batch } = parseModelConfig(
    ENSEMBLE.replace('max_batch_size: 4\n', ''),
    FILE,
  );
  t.deepEqual([most, batch], [0, false]);
});

test('an ensemble needs its tensors and its steps', (t) => {
  t.deepEqual(problems('task: ensemble'), [
    '1:1: tensors: the key is missing: expected the inputs and outputs',
    '1:1: ensemble_scheduling: the key is missing: expected the steps',
  ]);
  t.deepEqual(problems(ENSEMBLE.replace(/ {2}output:\n.*\n/, '')), [
    '3:1: tensors.output: an ensemble needs outputs: name them',
  ]);
});

test('what an ensemble has no use for is told', (t) => {
  t.deepEqual(
    problems(`${ENSEMBLE}instance_group: { count: 2 }\nlabels: a.txt\n`).map((line) => line.replace(/: .*: /, ': ')),
    ['13:17: remove it', '14:9: remove it'],
  );
  const reshaped = ENSEMBLE.replace('dims: [2] }', 'dims: [2], reshape: { shape: [2, 1] } }');
  t.deepEqual(problems(reshaped), [
    '5:60: tensors.input[0].reshape: has no meaning in an ensemble: reshape the tensor of a model',
  ]);
});

test('the sections have no meaning for other tasks', (t) => {
  const picture = 'task: embedding\ninput: { width: 8, height: 8 }\n';
  t.deepEqual(problems(`${picture}tensors: {}\n`), [
    '3:10: tensors: has no meaning with task embedding, whose tensors the task knows: remove it',
  ]);
  t.deepEqual(problems(ENSEMBLE.replace('task: ensemble', 'task: tensors')), [
    '9:3: ensemble_scheduling: has no meaning with task tensors: remove it, or write `task: ensemble`',
  ]);
});

test('the graph is checked as a whole, each problem with its place', (t) => {
  const step = (inputs: string, outputs: string) =>
    `    - { model_name: b, input_map: { ${inputs} }, output_map: { ${outputs} } }\n`;
  t.deepEqual(problems(`${ENSEMBLE}${step('IN: q', 'OUT: y')}`), [
    '13:41: ensemble_scheduling.step[1].input_map.IN: nothing makes tensor q; there are x, y',
    '13:65: ensemble_scheduling.step[1].output_map.OUT: tensor y comes from step 1 (model a) already',
  ]);
  t.deepEqual(problems(`${ENSEMBLE}${step('IN: x', 'OUT: x')}`), [
    '13:65: ensemble_scheduling.step[1].output_map.OUT: tensor x is an input of the ensemble',
  ]);
  t.deepEqual(problems(`${ENSEMBLE}${step('IN: m', 'OUT: n')}${step('IN: n', 'OUT: m')}`), [
    '13:7: ensemble_scheduling.step[1]: steps must not wait for one another in a circle: ' +
      'step 2 (model b) -> step 3 (model b) -> step 2 (model b)',
  ]);
  t.deepEqual(problems(`${ENSEMBLE}${step('IN: x', '')}`), [
    '13:58: ensemble_scheduling.step[1].output_map: maps nothing, so that nobody gets what the model answers: remove the step',
  ]);
});

test('tensors are declared once, with shapes of the same elements', (t) => {
  const declared = (more: string) =>
    `task: tensors\ntensors:\n  input:\n    - { name: x, data_type: TYPE_INT8, ${more} }\n`;
  t.deepEqual(problems(declared('dims: [6, -1], reshape: { shape: [2, 3, -1, 1] }')), []);
  t.deepEqual(problems(declared('dims: [6, -1], reshape: { shape: [2, -1, 3] }')), [
    '4:73: tensors.input[0].reshape.shape: [2, -1, 3] has other elements than dims, which is [6, -1]',
  ]);
  t.deepEqual(problems(declared('dims: [-2]')), [
    '4:47: tensors.input[0].dims[0]: expected a whole number, at least -1, found -2',
  ]);
  t.deepEqual(problems(`${declared('dims: []')}    - { name: x, data_type: TYPE_INT8, dims: [] }\n`), [
    '5:15: tensors.input[1].name: input 1 has the name x too',
  ]);
});
