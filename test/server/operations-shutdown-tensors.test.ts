import test from 'ava';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { askRest } from '../support/rest-client.js';
import { plug, serveSlow, SIDE } from '../support/slow-serving.js';
import { tensor } from '../support/tensors.js';

const WORDS = 3 * SIDE * SIDE;

test('requests for tensors that wait when SIGTERM comes are answered, by every way in, and the server ends with 0', async (t) => {
  await using serving = await serveSlow({ slow: {} });
  using client = new KserveClient(serving.server.grpcAddress);
  const blocker = await plug(serving, 'slow', 200);
  const picture = tensor('input', 'FP32', [1, 3, SIDE, SIDE], new Float32Array(WORDS));
  const calls = [client.infer(inferMessage('slow', [picture])), client.infer(inferMessage('slow', [picture]))];
  const stream = client.stream(['a', 'b', 'c'].map((id) => inferMessage('slow', [picture], { id })));
  const inputs = [{ name: 'input', datatype: 'FP32', shape: picture.shape, data: Array<number>(WORDS).fill(0) }];
  const rest = askRest(serving, '/v2/models/slow/infer', { inputs });
  blocker.end();
  await serving.metrics.untilQueued('slow', 6);
  serving.server.signal('SIGTERM');
  for (const { outputs } of await Promise.all(calls)) t.is(outputs.length, 1);
  t.deepEqual(
    (await stream).map(({ inferResponse, errorMessage }) => [inferResponse?.id, errorMessage]),
    [
      ['a', ''],
      ['b', ''],
      ['c', ''],
    ],
  );
  t.is((await rest).status, 200);
  t.is((await blocker.status).code, 0);
  t.is(await serving.server.ended(), 0);
});
