import test from 'ava';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { plug, serveSlow, SIDE } from '../support/slow-serving.js';
import { addSubModel } from '../support/tensor-models.js';
import { floats, tensor } from '../support/tensors.js';
import { meansModel } from '../support/tiny-models.js';

const CACHED = { response_cache: { enable: true } };
const FLAGS = ['--response-cache-bytes', '1000000'];

/** A picture of one level as the tensor that the models here take. */
function picture(model: string, level: number, side = SIDE) {
  const values = new Float32Array(3 * side * side).fill(level);
  return inferMessage(model, [tensor('input', 'FP32', [1, 3, side, side], values)]);
}

async function valuesOf(response: ReturnType<KserveClient['infer']>): Promise<number[]> {
  return floats(outputsOf(await response)['embedding']!);
}

test.serial('equal frames and equal tensors are computed once, and counted as hits', async (t) => {
  await using serving = await serveSlow({ kept: CACHED, plain: {} }, FLAGS);
  using client = new KserveClient(serving.server.grpcAddress);
  const { metrics } = serving;
  for (const model of ['kept', 'plain']) {
    for (const level of [3, 3, 4, 3])
      t.deepEqual(await valuesOf(client.infer(picture(model, level))), Array(3).fill(level));
    const stream = serving.wire.embed();
    stream.send(embedOptions({ model }));
    for (const [count, level] of [7, 7, 8, 7].entries()) {
      stream.send(embedFrame(grey(level), { frameId: String(count) }));
      const answers = await stream.answered(count + 1);
      t.deepEqual(answers.at(-1)!.embeddings[0]!.values, Array(3).fill(level));
      t.is(answers.at(-1)!.frame!.frameId, String(count));
    }
    t.is((await stream.finish()).code, 0);
  }
  t.is(await metrics.executed('plain'), 8);
  t.is(await metrics.executed('kept'), 4);
  const told = (name: string, model: string) => metrics.value(name, { model });
  t.is(await told('nv_cache_num_hits_per_model', 'kept'), 4);
  t.is(await told('nv_cache_num_misses_per_model', 'kept'), 4);
  t.is(await told('nv_cache_num_hits_per_model', 'plain'), 0);
  t.is(await told('nv_cache_num_misses_per_model', 'plain'), 0);
  t.true((await told('nv_cache_hit_duration_per_model', 'kept')) > 0);
  t.true((await told('nv_cache_miss_duration_per_model', 'kept')) > 0);
  t.is(await told('nv_inference_request_success', 'kept'), 8);
  t.is(await told('nv_inference_count', 'kept'), 4);
  t.is(await metrics.value('nv_cache_num_entries'), 4);
  const { modelStats } = await client.call('modelStatistics', { name: 'kept', version: '' });
  const { success, cacheHit, cacheMiss } = modelStats[0]!.inferenceStats!;
  t.deepEqual([success!.count, cacheHit!.count, cacheMiss!.count], [8n, 4n, 4n]);
  t.deepEqual([modelStats[0]!.inferenceCount, modelStats[0]!.executionCount], [4n, 4n]);
});

test.serial('of equal requests in flight one is computed, and the others outlive its cancellation', async (t) => {
  await using serving = await serveSlow({ kept: CACHED }, FLAGS);
  using client = new KserveClient(serving.server.grpcAddress);
  const { metrics } = serving;
  const blocker = await plug(serving, 'kept', 150);
  const leader = client.start('modelInfer', picture('kept', 5));
  await metrics.untilQueued('kept', 1);
  const followers = [client.start('modelInfer', picture('kept', 5)), client.start('modelInfer', picture('kept', 5))];
  await metrics.untilQueued('kept', 3);
  const late = client.infer(picture('kept', 5), new Date(Date.now() + 300));
  t.is((await t.throwsAsync<ServiceError>(late))?.code, Status.DEADLINE_EXCEEDED);
  leader.cancel();
  followers[0]!.cancel();
  t.is((await t.throwsAsync<ServiceError>(leader.response))?.code, Status.CANCELLED);
  t.is((await t.throwsAsync<ServiceError>(followers[0]!.response))?.code, Status.CANCELLED);
  await metrics.untilQueued('kept', 1);
  t.deepEqual(blocker.answers, [], 'they left while the instance was still at work');
  t.deepEqual(await valuesOf(followers[1]!.response), [5, 5, 5]);
  t.is((await blocker.finish()).code, 0);
  t.is(await metrics.executed('kept'), 2, 'the plug and one of the four');
});

test.serial('a model that is reloaded, and what is composed of it, never answers as before', async (t) => {
  const generation = (scale: number) => ({
    ...CACHED,
    task: 'embedding',
    input: { width: 8, height: 8 },
    postprocess: { normalize: false },
    preprocess: { scale },
  });
  const sums = (input: object[]) => ({ input, output: [{ name: 'sum', data_type: 'TYPE_INT32', dims: [2] }] });
  const INT = { data_type: 'TYPE_INT32', dims: [2] };
  await using serving = await Serving.start(
    async (repository) => {
      await repository.addModel('means', generation(1), meansModel(8, 8));
      await repository.addVersion('sums', 1, addSubModel(['batch', 2]));
      await repository.configure('composed', {
        ...CACHED,
        task: 'ensemble',
        max_batch_size: 4,
        tensors: sums([{ name: 'a', ...INT }]),
        ensemble_scheduling: {
          step: [{ model_name: 'sums', input_map: { INPUT0: 'a', INPUT1: 'a' }, output_map: { OUTPUT0: 'sum' } }],
        },
      });
    },
    [...FLAGS, '--model-control-mode', 'explicit', '--load-model', '*'],
  );
  using operator = await Operator.of(serving.server);
  using client = new KserveClient(serving.server.grpcAddress);
  const means = async () => {
    const stream = serving.wire.embed();
    stream.send(embedOptions({ model: 'means' }), embedFrame(grey(10, 8)));
    const [answer] = await stream.answered(1);
    await stream.finish();
    return answer!.embeddings[0]!.values[0];
  };
  const composed = async () => {
    const a = tensor('a', 'INT32', [1, 2], Int32Array.of(3, 4));
    const { sum } = outputsOf(await client.infer(inferMessage('composed', [a])));
    return [...new Int32Array(new Uint8Array(sum!.data).buffer)];
  };
  t.deepEqual([await means(), await means()], [10, 10]);
  t.deepEqual(
    [await composed(), await composed()],
    [
      [6, 8],
      [6, 8],
    ],
  );
  t.is(await serving.metrics.executed('means'), 1);
  t.is(await serving.metrics.executed('composed'), 1);
  await serving.repository.configure('means', generation(2));
  // The other way round: the sum is now what was the difference.
  await serving.repository.addVersion('sums', 2, addSubModel(['batch', 2], undefined, ['OUTPUT1', 'OUTPUT0']));
  await operator.client.load('means');
  await operator.client.load('sums');
  t.deepEqual([await means(), await means()], [20, 20]);
  t.deepEqual(
    [await composed(), await composed()],
    [
      [0, 0],
      [0, 0],
    ],
  );
});

test.serial('where the server keeps no answers, each request is computed, and the log says why', async (t) => {
  await using serving = await serveSlow({ kept: CACHED });
  using client = new KserveClient(serving.server.grpcAddress);
  for (let count = 0; count < 2; count++) await client.infer(picture('kept', 3));
  t.is(await serving.metrics.executed('kept'), 2);
  const [warning] = serving.server.log.filter(({ level }) => level === 40);
  t.like(warning, { model: 'kept', msg: 'its answers are not kept: response_cache needs --response-cache-bytes' });
});
