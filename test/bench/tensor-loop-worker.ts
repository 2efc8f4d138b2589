import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TensorLoopOrder, TensorLoopSpec } from './tensor-loop.js';

/** A worker of TensorLoop. */

const { model, input } = workerData as TensorLoopSpec;
const session = await InferenceSession.create(model, {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
});

async function work({ batch, milliseconds }: TensorLoopOrder): Promise<number> {
  const shape = [batch, ...input];
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1)).map(() => Math.random());
  const start = performance.now();
  let rows = 0;
  do {
    await session.run({ input: new Tensor('float32', data, shape) });
    rows += batch;
  } while (performance.now() - start < milliseconds);
  return (rows / (performance.now() - start)) * 1000;
}

parentPort!.on('message', (order: TensorLoopOrder) => {
  void work(order).then((rate) => parentPort!.postMessage(rate));
});
parentPort!.postMessage('ready');
