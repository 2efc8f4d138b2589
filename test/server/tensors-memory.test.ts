import test from 'ava';
import type { ModelStreamInferResponse } from '../../server/gen/inference/grpc_service.js';
import { DataType } from '../../server/onnx/tensor.js';
import { eventually, settled } from '../support/eventually.js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';

const MEBIBYTE = 1 << 20;
const COUNT = 300;

test('a stream of tensors whose answers nobody reads is held back, and answered in order once they are', async (t) => {
  await using serving = await Serving.start(
    async (repository) => {
      const config = { task: 'tensors', instance_group: { count: 1 } };
      await repository.addModel('bytes', config, identityModel(DataType.UINT8, ['batch', 'width']));
    },
    ['--max-window', '4', '--default-window', '4'],
  );
  using client = new KserveClient(serving.server.grpcAddress);
  const rss = () => serving.metrics.value('process_resident_memory_bytes');
  const before = await rss();
  const call = client.openStream();
  // After a first read grpc-js stops when its own buffer is full.
  call.read(0);
  const input = tensor('INPUT0', 'UINT8', [1, MEBIBYTE], new Uint8Array(MEBIBYTE));
  for (let index = 0; index < COUNT; index++) call.write(inferMessage('bytes', [input], { id: String(index) }));
  call.end();
  await eventually('the first are inferred', async () => (await serving.metrics.executed('bytes')) >= 4);
  const executed = await settled('how many were inferred', () => serving.metrics.executed('bytes'));
  t.true(executed < COUNT / 2, `${executed} of ${COUNT} were inferred for a reader that takes nothing`);
  const held = (await rss()) - before;
  t.true(held < 192 * MEBIBYTE, `the server has ${Math.round(held / MEBIBYTE)} MiB more`);
  const answers: (string | undefined)[] = [];
  call.on('data', ({ inferResponse }: ModelStreamInferResponse) => answers.push(inferResponse?.id));
  await eventually('all are answered', () => answers.length === COUNT);
  t.deepEqual(
    answers,
    Array.from({ length: COUNT }, (_, index) => String(index)),
  );
});
