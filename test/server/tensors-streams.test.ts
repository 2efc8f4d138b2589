import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test from 'ava';
import type { ModelStreamInferResponse } from '../../server/gen/inference/grpc_service.js';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import type { Serving } from '../support/serving.js';
import { plug, serveSlow, SIDE } from '../support/slow-serving.js';
import { tensor } from '../support/tensors.js';

let serving: Serving;
let client: KserveClient;

test.before(async () => {
  serving = await serveSlow({ slow: { dynamic_batching: { priority_levels: 2, default_priority_level: 2 } } }, [
    '--max-window',
    '4',
    '--default-window',
    '4',
  ]);
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

/** A picture of one level for the model `slow`: the brighter, the longer it takes. */
function picture(level: number, rest: Parameters<typeof inferMessage>[2] = {}) {
  const values = new Float32Array(3 * SIDE * SIDE).fill(level);
  return inferMessage('slow', [tensor('input', 'FP32', [1, 3, SIDE, SIDE], values)], rest);
}

const whole = (value: number) => ({ parameterChoice: { $case: 'int64Param' as const, int64Param: BigInt(value) } });

test.serial('a stream answers in order, and a request that fails answers in its place', async (t) => {
  const broken = { ...picture(0, { id: 'broken' }), rawInputContents: [new Uint8Array(4)] };
  const answers = await client.stream([picture(1, { id: 'a' }), broken, picture(0, { id: 'b' })]);
  t.deepEqual(
    answers.map(({ inferResponse }) => inferResponse?.id),
    ['a', 'broken', 'b'],
  );
  t.deepEqual([answers[0]!.errorMessage, answers[2]!.errorMessage], ['', '']);
  t.regex(answers[1]!.errorMessage, /"input" .*has 4 bytes of data/);
  const { embedding } = outputsOf(answers[0]!.inferResponse!);
  t.deepEqual([...new Float32Array(new Uint8Array(embedding!.data).buffer)], [1, 1, 1]);
});

test.serial('with the header for it, a request that fails ends the stream with its status', async (t) => {
  const broken = { ...picture(0), rawInputContents: [new Uint8Array(4)] };
  const error = await t.throwsAsync<ServiceError>(client.stream([broken], { triton_grpc_error: 'true' }));
  t.is(error?.code, Status.INVALID_ARGUMENT);
  t.regex(error?.details ?? '', /"input" .*has 4 bytes of data/);
});

test.serial('a stream takes no more than its window, however much it is sent', async (t) => {
  const blocker = await plug(serving, 'slow', 150);
  const call = client.openStream();
  const answers: ModelStreamInferResponse[] = [];
  call.on('data', (answer: ModelStreamInferResponse) => answers.push(answer));
  for (let index = 0; index < 12; index++) call.write(picture(0, { id: String(index) }));
  call.end();
  await serving.metrics.untilQueued('slow', 4);
  // Whatever else it would read has been read by the time that a later call is answered.
  await client.call('serverLive', {});
  t.is(await serving.metrics.queued('slow'), 4);
  t.deepEqual(blocker.answers, [], 'all were sent while the instance was at work');
  await eventually('all answers', () => (answers.length === 12 ? answers : undefined));
  t.deepEqual(
    answers.map(({ inferResponse }) => inferResponse?.id),
    Array.from({ length: 12 }, (_, index) => String(index)),
  );
  t.is((await blocker.finish()).code, 0);
});

test.serial('a call or a stream that is cancelled takes its requests out of the queue', async (t) => {
  const { metrics } = serving;
  const executed = await metrics.executed('slow');
  const blocker = await plug(serving, 'slow', 150);
  const call = client.start('modelInfer', picture(0));
  const stream = client.openStream();
  stream.on('error', () => {});
  stream.write(picture(0));
  stream.write(picture(0));
  await metrics.untilQueued('slow', 3);
  call.cancel();
  stream.cancel();
  t.is((await t.throwsAsync<ServiceError>(call.response))?.code, Status.CANCELLED);
  await metrics.untilQueued('slow', 0);
  t.deepEqual(blocker.answers, [], 'the queue was left while the instance was still at work');
  t.is((await blocker.finish()).code, 0);
  await metrics.untilIdle('slow');
  t.is((await metrics.executed('slow')) - executed, 1, 'the plug alone');
});

test.serial('the deadline of a call, and the timeout of a request, end what still waits', async (t) => {
  const blocker = await plug(serving, 'slow', 150);
  const late = client.infer(picture(0), new Date(Date.now() + 300));
  const impatient = client.infer(picture(0, { parameters: { timeout: whole(200_000) } }));
  t.is((await t.throwsAsync<ServiceError>(late))?.code, Status.DEADLINE_EXCEEDED);
  t.is((await t.throwsAsync<ServiceError>(impatient))?.code, Status.DEADLINE_EXCEEDED);
  t.deepEqual(blocker.answers, [], 'they did not wait for the instance');
  t.is((await blocker.finish()).code, 0);
});

test.serial('requests of a better priority run first', async (t) => {
  const blocker = await plug(serving, 'slow', 150);
  const order: string[] = [];
  const ask = async (id: string, priority: number) => {
    await client.infer(picture(10, { id, parameters: { priority: whole(priority) } }));
    order.push(id);
  };
  const usual = ask('usual', 0);
  await serving.metrics.untilQueued('slow', 1);
  const urgent = ask('urgent', 1);
  await serving.metrics.untilQueued('slow', 2);
  t.deepEqual(blocker.answers, [], 'both came while the instance was at work');
  await Promise.all([usual, urgent]);
  t.deepEqual(order, ['urgent', 'usual']);
  const error = await t.throwsAsync<ServiceError>(client.infer(picture(0, { parameters: { priority: whole(3) } })));
  t.regex(error?.details ?? '', /priority 3 is not in 1 to 2/);
  t.is((await blocker.finish()).code, 0);
});
