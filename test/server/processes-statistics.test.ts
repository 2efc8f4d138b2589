import test from 'ava';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';

/** Statistics of a server of several processes: those of the server, whichever of them is asked. */

/** Connections, of which each process has some, and requests that each sends. */
const CONNECTIONS = 4;
const REQUESTS = 3;

function request(model: string, rows: number) {
  return inferMessage(model, [tensor('INPUT0', 'FP32', [rows, 16], new Float32Array(rows * 16))]);
}

test('every process tells what all of them have done, by gRPC and by REST', async (t) => {
  await using serving = await Serving.start(
    async (repository) => {
      const config = { task: 'tensors', max_batch_size: 2, dynamic_batching: {} };
      await repository.addModel('pairs', config, identityModel());
      await repository.addModel('idle', config, identityModel());
    },
    ['--processes', '2'],
  );
  const clients = Array.from({ length: CONNECTIONS }, () => new KserveClient(serving.server.grpcAddress));
  const before = Date.now();
  // As many rows as a batch has: each is a batch of its own, whatever else is there.
  for (const client of clients) {
    for (let sent = 0; sent < REQUESTS; sent++) await client.infer(request('pairs', 2));
    await t.throwsAsync(client.infer(inferMessage('pairs', [])));
  }
  const after = Date.now();
  const executions = CONNECTIONS * REQUESTS;
  t.is(await serving.metrics.value('nv_inference_exec_count', { model: 'pairs' }), executions);

  for (const client of clients) {
    const { modelStats } = await client.call('modelStatistics', { name: 'pairs', version: '' });
    t.is(modelStats.length, 1);
    const [told] = modelStats;
    t.like(told, { name: 'pairs', version: '1', executionCount: BigInt(executions) });
    t.is(told!.inferenceCount, BigInt(2 * executions));
    const { success, fail, computeInfer } = told!.inferenceStats!;
    t.is(success?.count, BigInt(executions));
    t.is(fail?.count, BigInt(CONNECTIONS));
    t.true(computeInfer!.ns > 0n && computeInfer!.ns <= success!.ns, `${computeInfer!.ns} of ${success!.ns} ns`);
    t.deepEqual(
      told!.batchStats.map(({ batchSize, computeInfer: infer }) => [batchSize, infer?.count]),
      [[2n, BigInt(executions)]],
    );
    const last = Number(told!.lastInference);
    t.true(last >= before - 1 && last <= after + 1, `${last} is between ${before} and ${after}`);
  }

  // The processes are asked in turn.
  for (let round = 0; round < 2; round++) {
    const { json } = await askRest(serving, '/v2/models/pairs/stats');
    t.like(json.model_stats[0], { execution_count: executions, inference_count: 2 * executions });
    const all = (await askRest(serving, '/v2/models/stats')).json.model_stats as { readonly name: string }[];
    t.deepEqual(all.map(({ name }) => name).sort(), ['idle', 'pairs']);
  }
  const { modelStats } = await clients[0]!.call('modelStatistics', { name: 'idle', version: '1' });
  t.like(modelStats[0], { executionCount: 0n, lastInference: 0n });
  t.is((await askRest(serving, '/v2/models/cat/stats')).status, 404);
  for (const client of clients) client[Symbol.dispose]();
});
