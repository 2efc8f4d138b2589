import test from 'ava';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { grey } from '../support/pictures.js';
import { plug, serveSlow, SIDE } from '../support/slow-serving.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { tensor } from '../support/tensors.js';
import { TraceCollector } from '../support/trace-collector.js';
import { Wire } from '../support/wire-call.js';

const limited = (count = 1) => ({
  instance_group: {
    count: 1,
    intra_op_thread_count: 1,
    rate_limiter: { resources: [{ name: 'R', global: true, count }] },
  },
});

const FLAGS = ['--rate-limit', 'execution_count'];

function picture(model: string) {
  const values = new Float32Array(3 * SIDE * SIDE);
  return inferMessage(model, [tensor('input', 'FP32', [1, 3, SIDE, SIDE], values)]);
}

test.serial('two models that share one resource never execute at once', async (t) => {
  await using collector = await TraceCollector.start();
  await using serving = await serveSlow({ a: limited(), b: limited() }, [
    ...FLAGS,
    '--trace-endpoint',
    `${collector.url}/v1/traces`,
  ]);
  const streams = ['a', 'b'].map((model) => {
    const stream = serving.wire.embed();
    const frames = Array.from({ length: 4 }, () => embedFrame(grey(8)));
    stream.send(embedOptions({ model, window: 4 }), ...frames);
    return stream;
  });
  for (const stream of streams) t.is((await stream.finish()).code, 0);
  const runs = await collector.named('infer', 8);
  t.is(runs.length, 8);
  for (const [index, { from }] of runs.slice(1).entries()) {
    // Spans are whole nanoseconds made of microseconds.
    t.true(from + 1000n >= runs[index]!.to, `execution ${index + 1} begins before ${index} has ended`);
  }
});

test.serial('what waits for a resource leaves at once when it is cancelled, late or left by its client', async (t) => {
  await using serving = await serveSlow({ a: limited(), b: limited() }, FLAGS);
  using client = new KserveClient(serving.server.grpcAddress);
  using proxy = await TcpProxy.create(serving.server.grpcAddress);
  using dying = new Wire(proxy.address);
  const { metrics } = serving;
  const blocker = await plug(serving, 'a', 200);
  const call = client.start('modelInfer', picture('b'));
  const stream = serving.wire.embed();
  stream.send(embedOptions({ model: 'b' }), embedFrame(grey(0)), embedFrame(grey(0)));
  const left = dying.embed();
  left.send(embedOptions({ model: 'b' }), embedFrame(grey(0)));
  await metrics.untilQueued('b', 4);
  const late = client.infer(picture('b'), new Date(Date.now() + 300));
  t.is((await t.throwsAsync<ServiceError>(late))?.code, Status.DEADLINE_EXCEEDED);
  call.cancel();
  stream.cancel();
  proxy.cut();
  t.is((await t.throwsAsync<ServiceError>(call.response))?.code, Status.CANCELLED);
  await metrics.untilQueued('b', 0);
  t.deepEqual(blocker.answers, [], 'they left while the other model was still at work');
  t.is((await blocker.finish()).code, 0);
  await client.infer(picture('b'));
  t.is(await metrics.executed('b'), 1, 'the last one alone');
  t.is(await metrics.executed('a'), 1);
});

test.serial('without the option models execute whenever they can', async (t) => {
  await using serving = await serveSlow({ a: limited(), b: limited() });
  using client = new KserveClient(serving.server.grpcAddress);
  const first = await plug(serving, 'a', 200);
  await client.infer(picture('b'));
  t.deepEqual(first.answers, [], 'b was done while a was at work');
});

test.serial('a model that takes more than there is says what to change, and the others serve', async (t) => {
  await using serving = await serveSlow({ a: limited(), greedy: limited(3) }, [
    ...FLAGS,
    '--rate-limit-resource',
    'R:2',
  ]);
  using client = new KserveClient(serving.server.grpcAddress);
  await client.infer(picture('a'));
  const error = await t.throwsAsync<ServiceError>(client.infer(picture('greedy')));
  t.is(error?.code, Status.UNAVAILABLE);
  t.regex(error?.details ?? '', /it takes 3 of resource R, and there are 2: raise --rate-limit-resource/);
});
