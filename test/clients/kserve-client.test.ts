import test from 'ava';
import { KServeClient, type InferRequest } from '../../clients/typescript/kserve-client.js';
import { statusName } from '../../clients/typescript/status-name.js';
import { KServeDouble } from '../support/kserve-double.js';

const INPUT = { name: 'in', datatype: 'FP32', shape: [-1n, 2n] };

function request(id: string, ...values: readonly number[]): InferRequest {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { model: 'mirror', id, inputs: [{ name: 'in', datatype: 'FP32', shape: [values.length / 2, 2], data }] };
}

test('A request goes out with its tensors, parameters and wanted outputs, and its answer comes back', async (t) => {
  await using double = await KServeDouble.start([INPUT]);
  using client = await KServeClient.connect(double.address);
  t.deepEqual((await client.metadata('mirror')).inputs, [INPUT]);
  const answer = await client.infer({
    ...request('seven', 1, 2, 3, 4),
    outputs: ['in_out'],
    parameters: { priority: 2, sequence_id: 'camera', sequence_end: true },
  });
  t.deepEqual([answer.model, answer.version, answer.id], ['mirror', '1', 'seven']);
  const [{ name, datatype, shape, data }] = answer.outputs as [(typeof answer.outputs)[number]];
  t.deepEqual([name, datatype, shape], ['in_out', 'FP32', [2, 2]]);
  t.deepEqual([...new Float32Array(new Uint8Array(data).buffer)], [1, 2, 3, 4]);
  const [sent] = double.requests;
  t.deepEqual(
    sent?.outputs.map((output) => output.name),
    ['in_out'],
  );
  t.deepEqual(
    Object.entries(sent?.parameters ?? {}).map(([key, { parameterChoice }]) => [key, parameterChoice]),
    [
      ['priority', { $case: 'int64Param', int64Param: 2n }],
      ['sequence_id', { $case: 'stringParam', stringParam: 'camera' }],
      ['sequence_end', { $case: 'boolParam', boolParam: true }],
    ],
  );
});

test('A call that fails rejects with its status, and a request that fails in a stream leaves the stream alive', async (t) => {
  await using double = await KServeDouble.start([INPUT]);
  using client = await KServeClient.connect(double.address);
  const error = await t.throwsAsync(client.metadata('nothing'));
  t.is(statusName(error), 'NOT_FOUND');
  double.failEvery = 2;
  const answers = [];
  for await (const answer of client.stream([request('a', 1, 2), request('b', 3, 4), request('c', 5, 6)])) {
    answers.push('error' in answer ? answer.error : answer.id);
  }
  t.deepEqual(answers, ['a', 'as was asked for', 'c']);
});

test('A server that is not there is told of', async (t) => {
  await t.throwsAsync(KServeClient.connect('127.0.0.1:1', { timeoutMs: 200 }), {
    message: /no server answers at 127\.0\.0\.1:1/,
  });
});
