import test from 'ava';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { grey } from '../support/pictures.js';
import { plug, serveSlow, SIDE } from '../support/slow-serving.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { tensor } from '../support/tensors.js';
import { Wire } from '../support/wire-call.js';

test('a client that is gone without a word is found out by its silence, and what it had sent leaves the queue', async (t) => {
  await using serving = await serveSlow(
    {
      slow: {
        // Minutes for the plug: far more than silence takes to be noticed.
        preprocess: { scale: 40 },
        instance_group: { count: 1, intra_op_thread_count: 1, execution_timeout_milliseconds: 600_000 },
      },
    },
    ['--grpc-keepalive-time', '1', '--grpc-keepalive-timeout', '3'],
  );
  const { metrics, server } = serving;
  const blocker = await plug(serving, 'slow');
  using proxy = await TcpProxy.create(server.grpcAddress);
  using wire = new Wire(proxy.address);
  using client = new KserveClient(proxy.address);
  const frames = wire.embed();
  frames.send(embedOptions({ model: 'slow', window: 8 }), ...Array.from({ length: 6 }, () => embedFrame(grey(0))));
  const stream = client.openStream();
  stream.on('error', () => {});
  const picture = tensor('input', 'FP32', [1, 3, SIDE, SIDE], new Float32Array(3 * SIDE * SIDE));
  stream.write(inferMessage('slow', [picture]));
  const call = client.start('modelInfer', inferMessage('slow', [picture]));
  call.response.catch(() => {});
  await metrics.untilQueued('slow', 8);
  proxy.freeze();
  await metrics.untilQueued('slow', 0);
  t.is(await metrics.busy('slow'), 1, 'while the instance is still at work');
  t.deepEqual(blocker.answers, []);
  const open = (name: string) => metrics.value('sluice_streams_open', { call: name });
  // That of who answers pings goes on.
  await eventually('the streams are over', async () => (await open('Embed')) === 1);
  t.is(await open('ModelStreamInfer'), 0);
});
