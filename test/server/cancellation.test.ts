import test from 'ava';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import { SIDE } from '../support/slow-serving.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { slowModel } from '../support/tiny-models.js';

/** What becomes of work that nobody waits for any more: in an ensemble, and with a connection that is cut. */

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const tensors = (name: string, dims: number[]) => [{ name, data_type: 'TYPE_FP32', dims }];
    await repository.addModel(
      'slow',
      {
        task: 'embedding',
        input: { width: SIDE, height: SIDE },
        max_batch_size: 1,
        instance_group: { count: 1, intra_op_thread_count: 1 },
      },
      slowModel(SIDE, SIDE),
    );
    await repository.addVersion('next', 1, identityModel(undefined, ['batch', 3]));
    await repository.configure('both', {
      task: 'ensemble',
      max_batch_size: 1,
      tensors: { input: tensors('picture', [3, SIDE, SIDE]), output: tensors('result', [3]) },
      ensemble_scheduling: {
        max_inflight_requests: 1,
        step: [
          { model_name: 'slow', input_map: { input: 'picture' }, output_map: { embedding: 'vector' } },
          { model_name: 'next', input_map: { INPUT0: 'vector' }, output_map: { OUTPUT0: 'result' } },
        ],
      },
    });
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

function request(level: number) {
  const values = new Float32Array(3 * SIDE * SIDE).fill(level);
  return inferMessage('both', [tensor('picture', 'FP32', [1, 3, SIDE, SIDE], values)]);
}

test.serial(
  'an ensemble whose call is cancelled starts no further step, and what waits behind it goes on',
  async (t) => {
    using client = new KserveClient(serving.server.grpcAddress);
    const { metrics } = serving;
    const call = client.start('modelInfer', request(60));
    await metrics.untilBusy('slow');
    const waiting = client.infer(request(0));
    const withdrawn = client.start('modelInfer', request(0));
    await metrics.untilQueued('both', 2);
    withdrawn.cancel();
    call.cancel();
    for (const { response } of [call, withdrawn]) {
      t.is((await t.throwsAsync<ServiceError>(response))?.code, Status.CANCELLED);
    }
    await waiting;
    await metrics.untilIdle('both');
    t.is(await metrics.executed('slow'), 2, 'the cancelled one and the one that waited');
    t.is(await metrics.executed('next'), 1, 'the one that waited alone');
    t.is(await metrics.failed('both', 'CANCELLED'), 2);
  },
);

test.serial('a connection that is cut takes its requests out of every queue, and ends its ensembles', async (t) => {
  using proxy = await TcpProxy.create(serving.server.grpcAddress);
  using dying = new KserveClient(proxy.address);
  const { metrics } = serving;
  const [slow, next] = [await metrics.executed('slow'), await metrics.executed('next')];
  const running = t.throwsAsync(dying.infer(request(60)));
  await metrics.untilBusy('slow');
  const queued = t.throwsAsync(dying.infer(request(0)));
  const stream = dying.openStream();
  stream.on('error', () => {});
  stream.write(request(0));
  await metrics.untilQueued('both', 2);
  proxy.cut();
  await Promise.all([running, queued]);
  await metrics.untilIdle('both');
  await metrics.untilIdle('slow');
  t.deepEqual([(await metrics.executed('slow')) - slow, (await metrics.executed('next')) - next], [1, 0]);
});
