import test, { type ExecutionContext } from 'ava';
import { ServingError } from '../../../server/core/errors.js';
import type { InferenceRequest } from '../../../server/core/inference.js';
import type { Tensors } from '../../../server/core/picture.js';
import { sequenceSchema } from '../../../server/core/sequences/sequence-config.js';
import { withSequences } from '../../../server/core/sequences/sequence-executor.js';
import { SequenceStep, type SequenceId } from '../../../server/core/sequences/sequence-step.js';
import type { Tensor, TensorSignature } from '../../../server/core/tensors.js';
import { FakeExecutor, PHASES } from '../../support/fake-executor.js';
import { signature } from '../../support/fake-networks.js';
import { floats, tensor, tensorRequest, tensorsOf } from '../../support/tensors.js';

/** What a network is given beside what a request sends, and what is kept of what it answers. */

const STATE = { input_name: 'BEFORE', output_name: 'AFTER', data_type: 'TYPE_FP32', dims: [2] };
const INITIAL = { data_type: 'TYPE_FP32', dims: [2] };
const NETWORK = signature({ IN: [-1, 1], BEFORE: [-1, 2] }, { OUT: [-1, 1], AFTER: [-1, 2] });

interface Keys {
  readonly sequences?: object;
  readonly network?: TensorSignature;
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

async function open({ sequences = { state: [STATE] }, network = NETWORK, files = new Map() }: Keys = {}) {
  const inner = new FakeExecutor();
  inner.signature = network;
  const config = sequenceSchema.parse(sequences);
  return { inner, executor: await withSequences(inner, { config, declared: [], files }) };
}

function request(step: SequenceStep, value = 1): InferenceRequest {
  return { ...tensorRequest([tensor('IN', 'FP32', [1, 1], Float32Array.of(value))], 1), sequence: step };
}

function step(id: SequenceId, row: number | null = null, flags: { start?: boolean; end?: boolean } = {}): SequenceStep {
  const made = new SequenceStep({ id, start: false, end: false, ...flags });
  made.row = row;
  return made;
}

/** The tensors of each row that the network was last given. */
function given({ started }: FakeExecutor): Readonly<Record<string, Tensor>>[] {
  return started
    .at(-1)!
    .requests.map(({ content }) => Object.fromEntries((content as Tensors).tensors.map((one) => [one.name, one])));
}

const answer = (...tensors: Tensor[]) => ({ width: 0, height: 0, outcome: { tensors } });
const out = (value: number) => tensor('OUT', 'FP32', [1, 1], Float32Array.of(value));
const after = (...values: number[]) => tensor('AFTER', 'FP32', [1, values.length], Float32Array.from(values));

test('a state is zeros at first, then what was answered, which the client does not see', async (t) => {
  const { inner, executor } = await open();
  t.deepEqual(
    executor.signature!.inputs.map(({ name }) => name),
    ['IN'],
  );
  t.deepEqual(
    executor.signature!.outputs.map(({ name }) => name),
    ['OUT'],
  );
  const first = step(1n);
  const running = executor.execute([request(first)]);
  t.deepEqual(floats(given(inner)[0]!['BEFORE']!), [0, 0]);
  t.deepEqual(inner.started[0]!.requests[0]!.parameters, { kind: 'infer', outputs: ['OUT', 'AFTER'] });
  inner.running[0]!.finish([answer(out(7), after(3, 4))]);
  const { results, phases } = await running;
  t.deepEqual(Object.keys(tensorsOf(results[0]!)), ['OUT']);
  t.is(phases, PHASES);
  const second = step(1n);
  second.memory = first.memory;
  void executor.execute([request(second)]);
  t.deepEqual(floats(given(inner)[0]!['BEFORE']!), [3, 4]);
});

test('a request that fails leaves the state as it was, although the network had its buffer', async (t) => {
  const { inner, executor } = await open();
  const { memory } = step(1n);
  const of = () => Object.assign(step(1n), { memory });
  const first = executor.execute([request(of())]);
  inner.running[0]!.finish([answer(out(1), after(3, 4))]);
  await first;
  const second = executor.execute([request(of())]);
  structuredClone(null, { transfer: [given(inner)[0]!['BEFORE']!.data.buffer as ArrayBuffer] });
  inner.running[0]!.finish([{ width: 0, height: 0, outcome: new ServingError('INSTANCE_LOST', 'it died') }]);
  t.true((await second).results[0]!.outcome instanceof ServingError);
  void executor.execute([request(of())]);
  t.deepEqual(floats(given(inner)[0]!['BEFORE']!), [3, 4]);
});

test('of a state that is a part of a batch only its own row is kept', async (t) => {
  const { inner, executor } = await open();
  const one = step(1n);
  const running = executor.execute([request(one)]);
  const batch = new Float32Array(2000);
  batch.set([8, 9], 1000);
  const row = { ...after(0, 0), data: new Uint8Array(batch.buffer, 4000, 8) };
  inner.running[0]!.finish([answer(out(1), row)]);
  await running;
  t.deepEqual(floats(one.memory.states![0]!), [8, 9]);
  t.is(one.memory.states![0]!.data.buffer.byteLength, 8);
});

test('a state of another shape than the first one has a key of its own', async (t) => {
  const { inner, executor } = await open({
    sequences: { state: [{ ...STATE, dims: [-1] }] },
    network: signature({ IN: [-1, 1], BEFORE: [-1, -1] }, { OUT: [-1, 1], AFTER: [-1, -1] }),
  });
  const one = step(1n);
  const running = executor.execute([request(one)]);
  inner.running[0]!.finish([answer(out(1), after(1, 2, 3))]);
  await running;
  t.is(one.memory.key, '1,3');
});

const CONTROLS = {
  control_input: [
    { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', fp32_false_true: [-1, 1] }] },
    { name: 'READY', control: [{ kind: 'CONTROL_SEQUENCE_READY', int32_false_true: [0, 1] }] },
    { name: 'END', control: [{ kind: 'CONTROL_SEQUENCE_END', bool_false_true: [true, false] }] },
  ],
};

const CONTROLLED = signature(
  { IN: [-1, 1], START: [-1, 1], READY: ['INT32', -1, 1], END: ['BOOL', -1, 1], BEFORE: [-1, 2] },
  { OUT: [-1, 1], AFTER: [-1, 2] },
);

test('rows that no request has are filled with zeros and controls that are false', async (t) => {
  const { inner, executor } = await open({ sequences: { ...CONTROLS, state: [STATE] }, network: CONTROLLED });
  const start = step(1n, 1, { start: true });
  start.memory.states = [tensor('BEFORE', 'FP32', [1, 2], Float32Array.of(5, 6))];
  const running = executor.execute([request(start, 9), request(step(2n, 3, { end: true }), 8)]);
  const rows = given(inner).map(({ IN, START, READY, END, BEFORE }) => {
    return [...floats(IN!), ...floats(START!), READY!.data[0], END!.data[0], ...floats(BEFORE!)];
  });
  t.deepEqual(rows, [
    [0, -1, 0, 1, 0, 0],
    [9, 1, 1, 1, 5, 6],
    [0, -1, 0, 1, 0, 0],
    [8, -1, 1, 0, 0, 0],
  ]);
  const results = [0, 1, 2, 3].map((row) => answer(out(row), after(row, row)));
  inner.running[0]!.finish(results);
  const answers = (await running).results.map((result) => floats(tensorsOf(result)['OUT']!)[0]);
  t.deepEqual(answers, [1, 3]);
});

for (const [type, datatype, id, expected] of [
  ['TYPE_UINT64', 'UINT64', 2n ** 64n - 1n, [255, 255, 255, 255, 255, 255, 255, 255]],
  ['TYPE_INT64', 'INT64', -2n, [254, 255, 255, 255, 255, 255, 255, 255]],
  ['TYPE_UINT32', 'UINT32', 258n, [2, 1, 0, 0]],
  ['TYPE_INT32', 'INT32', -1n, [255, 255, 255, 255]],
  ['TYPE_STRING', 'BYTES', 'ab', [2, 0, 0, 0, 97, 98]],
  ['TYPE_STRING', 'BYTES', 12n, [2, 0, 0, 0, 49, 50]],
] as const) {
  test(`an id of ${String(id)} is told as ${datatype}`, async (t) => {
    const control_input = [{ name: 'ID', control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: type }] }];
    const network = signature({ IN: [-1, 1], ID: [datatype, -1, 1] }, { OUT: [-1, 1] });
    const { inner, executor } = await open({ sequences: { control_input }, network });
    void executor.execute([request(step(id, 1))]);
    const [empty, row] = given(inner).map(({ ID }) => ID!);
    t.deepEqual([row!.datatype, [...row!.data]], [datatype, [...expected]]);
    t.true(empty!.data.every((byte) => byte === 0));
  });
}

test('an initial state comes from its file, which has to have its size', async (t) => {
  const state = [{ ...STATE, initial_state: [{ ...INITIAL, data_file: 'first' }] }];
  const file = (...values: number[]) => new Map([['first', new Uint8Array(Float32Array.from(values).buffer)]]);
  const { inner, executor } = await open({ sequences: { state }, files: file(5, 6) });
  void executor.execute([request(step(1n))]);
  t.deepEqual(floats(given(inner)[0]!['BEFORE']!), [5, 6]);
  await refused(t, { sequences: { state }, files: file(5) }, /^initial_state\/first does not fit: .* has 4 bytes/);
});

async function refused(t: ExecutionContext, keys: Keys, expected: RegExp): Promise<void> {
  const error = await t.throwsAsync(open(keys), { instanceOf: ServingError });
  t.is(error.code, 'MODEL_INVALID');
  t.regex(error.message, expected);
}

test('what the model file does not have is told', async (t) => {
  await refused(
    t,
    { network: signature({ IN: [-1, 1] }, { AFTER: [-1, 2] }) },
    /input BEFORE is not there; the inputs are IN/,
  );
  const wide = signature({ IN: [-1, 1], BEFORE: [-1, 3] }, { AFTER: [-1, 3] });
  await refused(t, { network: wide }, /input BEFORE is FP32 \[-1, 3\], not FP32 \[-1, 2\]/);
  const whole = signature({ IN: [-1, 1], BEFORE: [-1, 2] }, { AFTER: ['INT64', -1, 2] });
  await refused(t, { network: whole }, /output AFTER is INT64 \[-1, 2\], not FP32/);
  const flat = signature({ IN: [-1, 1], START: [-1], READY: ['INT32', -1, 1], END: ['BOOL', -1, 1] }, { OUT: [-1, 1] });
  await refused(t, { sequences: CONTROLS, network: flat }, /input START is FP32 \[-1\], not FP32 \[-1, 1\]/);
});
