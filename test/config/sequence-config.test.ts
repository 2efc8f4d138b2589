import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { parseConfigPbtxt } from '../../server/config/triton/config-pbtxt.js';
import { tritonSequences } from '../../server/core/open-inference/triton-sequences.js';
import {
  DataType,
  ModelSequenceBatching,
  ModelSequenceBatching_Control_Kind as Kind,
} from '../../server/gen/inference/model_config.js';
import { FILE, problems } from '../support/config-problems.js';

/** The section `sequence_batching` of a config.yaml, and of Triton's configuration. */

const PBTXT = `
platform: "onnxruntime_onnx"
max_batch_size: 4
input { name: "INPUT" data_type: TYPE_FP32 dims: 1 }
output { name: "OUTPUT" data_type: TYPE_FP32 dims: 1 }
sequence_batching {
  oldest { max_candidate_sequences: 8 preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 100 }
  max_sequence_idle_microseconds: 5000000
  control_input [
    { name: "START" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] },
    { name: "END" control { kind: CONTROL_SEQUENCE_END bool_false_true: [ false, true ] } },
    { name: "CORRID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }
  ]
  state [
    {
      input_name: "IN" output_name: "OUT" data_type: TYPE_INT32 dims: [ -1 ]
      initial_state: { data_type: TYPE_INT32 dims: [ 2 ] zero_data: true name: "nothing" }
    },
    {
      input_name: "IN2" output_name: "OUT2" data_type: TYPE_FP32 dims: [ 1 ]
      initial_state: { data_type: TYPE_FP32 dims: [ 1 ] data_file: "first" }
      use_same_buffer_for_input_output: true
    }
  ]
}
`;

const SECTION = {
  oldest: { max_candidate_sequences: 8, preferred_batch_size: [2, 4], max_queue_delay_microseconds: 100 },
  max_sequence_idle_microseconds: 5_000_000,
  control_input: [
    { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', fp32_false_true: [0, 1] }] },
    { name: 'END', control: [{ kind: 'CONTROL_SEQUENCE_END', bool_false_true: [false, true] }] },
    { name: 'CORRID', control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_UINT64' }] },
  ],
  state: [
    {
      input_name: 'IN',
      output_name: 'OUT',
      data_type: 'TYPE_INT32',
      dims: [-1],
      initial_state: [{ data_type: 'TYPE_INT32', dims: [2], zero_data: true, name: 'nothing' }],
    },
    {
      input_name: 'IN2',
      output_name: 'OUT2',
      data_type: 'TYPE_FP32',
      dims: [1],
      initial_state: [{ data_type: 'TYPE_FP32', dims: [1], data_file: 'first' }],
    },
  ],
};

test("Triton's sequence_batching is read as it is, and what is not done is told", (t) => {
  const { config, warnings } = parseConfigPbtxt(PBTXT, 'repo/sum/config.pbtxt');
  t.like(config.sequence_batching, SECTION);
  t.deepEqual(
    warnings.map(({ path }) => path),
    ['sequence_batching.state[1].use_same_buffer_for_input_output'],
  );
});

test('an empty section is the strategy direct with a second of idle time', (t) => {
  const { config } = parseConfigPbtxt('platform: "onnxruntime_onnx"\nsequence_batching { }', 'repo/sum/config.pbtxt');
  t.deepEqual(config.sequence_batching, { max_sequence_idle_microseconds: 1_000_000, control_input: [], state: [] });
});

test('config.yaml has the same names', (t) => {
  const text = `task: tensors\nmax_batch_size: 4\nsequence_batching: ${JSON.stringify(SECTION)}\n`;
  t.like(parseModelConfig(text, FILE).sequence_batching, SECTION);
});

test("the configuration is told in Triton's words", (t) => {
  const { config } = parseConfigPbtxt(PBTXT, 'repo/sum/config.pbtxt');
  const bytes = ModelSequenceBatching.encode(tritonSequences(config.sequence_batching!)).finish();
  const told = ModelSequenceBatching.decode(bytes);
  t.like(told.strategyChoice, {
    $case: 'oldest',
    oldest: { maxCandidateSequences: 8, preferredBatchSize: [2, 4], maxQueueDelayMicroseconds: 100n },
  });
  t.is(told.maxSequenceIdleMicroseconds, 5_000_000n);
  t.deepEqual(
    told.controlInput.map(({ name, control: [control] }) => [name, control!.kind, control!.dataType]),
    [
      ['START', Kind.CONTROL_SEQUENCE_START, DataType.TYPE_INVALID],
      ['END', Kind.CONTROL_SEQUENCE_END, DataType.TYPE_INVALID],
      ['CORRID', Kind.CONTROL_SEQUENCE_CORRID, DataType.TYPE_UINT64],
    ],
  );
  const [first, second] = told.state;
  t.like(first, { inputName: 'IN', outputName: 'OUT', dataType: DataType.TYPE_INT32, dims: [-1n] });
  t.deepEqual(first!.initialState[0]!.stateData, { $case: 'zeroData', zeroData: true });
  t.deepEqual(second!.initialState[0]!.stateData, { $case: 'dataFile', dataFile: 'first' });
});

/** Messages without their places. */
function wrong(keys: object, section: object): string[] {
  const text = JSON.stringify({ task: 'tensors', ...keys, sequence_batching: section });
  return problems(text).map((line) => line.replace(/^.*?: (?=[a-z_]+[.:[])/, ''));
}

test('each mistake of the section is told, with where it is', (t) => {
  const corrid = { kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_INT64', int32_false_true: [0, 1] };
  const start = { kind: 'CONTROL_SEQUENCE_START', int32_false_true: [0, 1] };
  const state = { input_name: 'A', output_name: 'B', data_type: 'TYPE_FP32', dims: [2] };
  const initial = { data_type: 'TYPE_INT32', dims: [3] };
  const cases: [keys: object, section: object, expected: RegExp][] = [
    [{}, { direct: {}, oldest: {} }, /sequence_batching\.oldest: there is one strategy/],
    [
      { max_batch_size: 2 },
      { oldest: { preferred_batch_size: [3] } },
      /preferred_batch_size\[0\]: 3 is over max_batch_size/,
    ],
    [{}, { control_input: [{ name: 'C', control: [corrid] }] }, /control\[0\]: expected data_type, and nothing else/],
    [{}, { control_input: [{ name: 'C', control: [{ kind: start.kind }] }] }, /expected one of int32_false_true/],
    [
      {},
      { control_input: ['C', 'D'].map((name) => ({ name, control: [start] })) },
      /another input has CONTROL_SEQUENCE_START/,
    ],
    [{}, { control_input: [{ name: 'A', control: [start] }], state: [state] }, /input A is there twice/],
    [
      {},
      { state: [{ ...state, initial_state: [{ ...initial, zero_data: true }] }] },
      /data_type: the state is TYPE_FP32/,
    ],
    [
      {},
      { state: [{ ...state, initial_state: [{ ...initial, zero_data: true }] }] },
      /dims: expected a shape .* fits .*\[2\]/,
    ],
    [{}, { state: [{ ...state, initial_state: [initial] }] }, /expected either zero_data: true or data_file/],
    [{ dynamic_batching: { priority_levels: 2 } }, {}, /priority_levels: has no meaning beside sequence_batching/],
    [{ task: 'ensemble' }, {}, /sequence_batching: has no meaning with task ensemble/],
    [{ task: 'pipeline' }, {}, /sequence_batching: has no meaning with task pipeline/],
  ];
  for (const [keys, section, expected] of cases) t.regex(wrong(keys, section).join('\n'), expected);
});
