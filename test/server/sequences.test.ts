import { join } from 'node:path';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { accumulating, accumulator, collector, witness, witnessing } from '../support/sequence-models.js';
import { parameters, summand as message, type Step } from '../support/sequence-messages.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { floats, tensor } from '../support/tensors.js';

/** Models with a memory, from outside: what they are given, and how long it is kept. */

const STATE = { input_name: 'STATE_IN', output_name: 'STATE_OUT', data_type: 'TYPE_FP32', dims: [1] };
const INITIAL = { data_type: 'TYPE_FP32', dims: [1] };

let serving: Serving;
let client: KserveClient;

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      await repository.addModel('sum', accumulating(), accumulator());
      await repository.addModel('short', accumulating({ max_sequence_idle_microseconds: 200_000 }), accumulator());
      await repository.addModel('one_slot', { ...accumulating(), max_batch_size: 1 }, accumulator());
      const hundred = { ...STATE, initial_state: [{ ...INITIAL, data_file: 'hundred' }] };
      await repository.addModel(
        'from_file',
        accumulating({ state: [hundred] }, { start: false }),
        accumulator({ start: false }),
      );
      await repository.write(
        join('from_file', 'initial_state', 'hundred'),
        new Uint8Array(Float32Array.of(100).buffer),
      );
      const told = {
        ...accumulating({ state: [STATE] }, { start: false }),
        max_batch_size: 0,
        tensors: { output: ['STATE_OUT', 'OUTPUT'].map((name) => ({ name, data_type: 'TYPE_FP32', dims: [1] })) },
      };
      await repository.addModel('told', told, accumulator({ start: false, batched: false }));
      const grows = { ...STATE, dims: [-1] };
      await repository.addModel('grows', accumulating({ state: [grows], oldest: {} }, { start: false }), collector());
      const direct = { max_queue_delay_microseconds: 60_000_000, minimum_slot_utilization: 0.5 };
      await repository.addModel('witness', witnessing({ direct }), witness());
      await repository.addModel('stateless', { task: 'tensors' }, identityModel(undefined, ['batch', 1]));
    },
    ['--model-control-mode', 'explicit', '--load-model', '*'],
  );
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

async function add(model: string, value: number, step: Step): Promise<number> {
  return floats(outputsOf(await client.infer(message(model, value, step)))['OUTPUT']!)[0]!;
}

async function refused(t: ExecutionContext, pending: Promise<unknown>, code: Status, details: RegExp): Promise<void> {
  const error = await t.throwsAsync<ServiceError>(pending);
  t.is(error?.code, code);
  t.regex(error?.details ?? '', details);
}

test('rows without a request have READY false, and each row its own controls', async (t) => {
  const ask = async (id: number, step: Step) => {
    const request = inferMessage('witness', [tensor('INPUT', 'INT64', [1, 1], BigInt64Array.of(3n))], {
      parameters: parameters({ id, ...step }),
    });
    const { STARTED, ENDED, ID, READY_ROWS, ROWS } = outputsOf(await client.infer(request));
    const whole = (data: Uint8Array) => Number(new BigInt64Array(new Uint8Array(data).buffer)[0]);
    return {
      started: new Int32Array(new Uint8Array(STARTED!.data).buffer)[0],
      ended: ENDED!.data[0],
      id: whole(ID!.data),
      rows: `${whole(READY_ROWS!.data)} of ${whole(ROWS!.data)}`,
    };
  };
  // A batch goes when half of the four slots have a request.
  const first = [ask(11, { start: true }), ask(12, { start: true })];
  t.deepEqual(await Promise.all(first), [
    { started: 6, ended: 0, id: 11, rows: '2 of 2' },
    { started: 6, ended: 0, id: 12, rows: '2 of 2' },
  ]);
  const second = [ask(13, { start: true }), ask(11, { end: true })];
  t.deepEqual(await Promise.all(second), [
    { started: 6, ended: 0, id: 13, rows: '2 of 3' },
    { started: 5, ended: 1, id: 11, rows: '2 of 3' },
  ]);
  await Promise.all([ask(12, { end: true }), ask(13, { end: true })]);
});

test('a state begins with what its file has, also when it begins anew', async (t) => {
  t.is(await add('from_file', 1, { id: 1, start: true }), 101);
  t.is(await add('from_file', 1, { id: 1 }), 102);
  t.is(await add('from_file', 5, { id: 1, start: true }), 105);
  t.is(await add('from_file', 5, { id: 1, end: true }), 110);
});

test('a state is answered where the configuration declares it, and may have no batch dimension', async (t) => {
  const ask = async (value: number, step: Step) => {
    const request = inferMessage('told', [tensor('INPUT', 'FP32', [1], Float32Array.of(value))], {
      parameters: parameters({ id: 'a', ...step }),
    });
    const { outputs, rawOutputContents } = await client.infer(request);
    return outputs.map(({ name }, index) => [name, ...floats({ data: rawOutputContents[index]! })]);
  };
  await ask(2, { start: true });
  t.deepEqual(await ask(3, { end: true }), [
    ['STATE_OUT', 5],
    ['OUTPUT', 5],
  ]);
});

test('a state may grow with each request', async (t) => {
  const ask = async (id: string, value: number, step: Step) =>
    floats(outputsOf(await client.infer(message('grows', value, { id, ...step })))['OUTPUT']!);
  t.deepEqual(await ask('a', 1, { start: true }), [0, 1]);
  t.deepEqual(await ask('a', 2, {}), [0, 1, 2]);
  t.deepEqual(await Promise.all([ask('a', 3, { end: true }), ask('b', 9, { start: true, end: true })]), [
    [0, 1, 2, 3],
    [0, 9],
  ]);
});

test('a sequence that was idle too long is over, with an error that says so', async (t) => {
  await add('short', 1, { id: 5, start: true });
  await serving.metrics.until('sluice_sequences', { model: 'short', state: 'active' }, (count) => count === 0);
  await refused(t, add('short', 1, { id: 5 }), Status.INVALID_ARGUMENT, /sequence 5 is not open: .*\(200000\)/);
});

test('a sequence that finds no slot waits for one, and can be cancelled', async (t) => {
  await add('one_slot', 1, { id: 1, start: true });
  const second = add('one_slot', 10, { id: 2, start: true, end: true });
  const third = client.start('modelInfer', message('one_slot', 100, { id: 3, start: true, end: true }));
  const backlog = (count: number) =>
    serving.metrics.until('sluice_sequences', { model: 'one_slot', state: 'backlog' }, (found) => found === count);
  await backlog(2);
  third.cancel();
  await refused(t, third.response, Status.CANCELLED, /./);
  await backlog(1);
  t.is(await add('one_slot', 1, { id: 1, end: true }), 2);
  t.is(await second, 10);
  await backlog(0);
});

test('what a sequence cannot be is refused, and a model without sequences does not look at it', async (t) => {
  await refused(t, add('sum', 1, {}), Status.INVALID_ARGUMENT, /model sum keeps state .* send a sequence_id/);
  await refused(t, add('sum', 1, { id: 0, start: true }), Status.INVALID_ARGUMENT, /send a sequence_id/);
  await refused(t, add('sum', 1, { id: 'x'.repeat(129), start: true }), Status.INVALID_ARGUMENT, /at most 128 bytes/);
  const two = inferMessage('sum', [tensor('INPUT', 'FP32', [2, 1], Float32Array.of(1, 2))], {
    parameters: parameters({ id: 1, start: true }),
  });
  await refused(t, client.infer(two), Status.INVALID_ARGUMENT, /has one row, and this one has 2/);
  const text = { ...parameters({ id: 1 }), sequence_start: parameters({ id: 'yes' })['sequence_id']! };
  const odd = inferMessage('sum', [tensor('INPUT', 'FP32', [1, 1], Float32Array.of(1))], { parameters: text });
  await refused(t, client.infer(odd), Status.INVALID_ARGUMENT, /"sequence_start" must be true or false/);
  const own = inferMessage('witness', [tensor('INPUT', 'INT64', [1, 1], BigInt64Array.of(3n))], {
    parameters: parameters({ id: 'text', start: true }),
  });
  await refused(t, client.infer(own), Status.INVALID_ARGUMENT, /sequence_id "text" is no UINT64/);
  const plain = inferMessage('stateless', [tensor('INPUT0', 'FP32', [1, 1], Float32Array.of(4))], {
    parameters: parameters({ id: 1 }),
  });
  t.deepEqual(floats(outputsOf(await client.infer(plain))['OUTPUT0']!), [4]);
});

test('one stream holds many sequences, and answers in the order of its requests', async (t) => {
  const requests = [1, 2, 3, 4].flatMap((at) =>
    ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => message('sum', at, { id: `s${id}`, start: at === 1, end: at === 4 })),
  );
  const answers = await client.stream(requests);
  const sums = answers.map(({ inferResponse }) => floats(outputsOf(inferResponse!)['OUTPUT']!)[0]);
  t.deepEqual(
    sums,
    [1, 3, 6, 10].flatMap((sum) => Array(6).fill(sum)),
  );
});
