import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { rewriteForServing } from '../../server/onnx/rewrite.js';
import { CENTERFACE_FILE } from './bench-repository.js';
import type { PlainDone, PlainOrder, PlainSpec } from './plain-messages.js';
import { ownCpu } from './usage.js';

/** What a run of the plain loop came to. */
export interface PlainRun {
  readonly framesPerSecond: number;
  /** CPU time a frame, in milliseconds. */
  readonly cpuPerFrame: number;
}

/**
 * The reference: plain loops around onnxruntime-node with the server's operators (sharp, warpNormalize,
 * the decoder of detections), each in a thread of its own with one thread for ONNX Runtime. No queue, no batcher, no network.
 */
export class PlainLoop implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts `workers` loops for CenterFace with a square input of `side` pixels. */
  static async create(workers: number, side: number, pictures: readonly Buffer[]): Promise<PlainLoop> {
    const file = await readFile(CENTERFACE_FILE);
    const model = rewriteForServing(file, { width: side, height: side }).bytes;
    const workerData: PlainSpec = { model, side, pictures };
    const url = new URL('./plain-worker.js', import.meta.url);
    const started = Array.from({ length: workers }, () => new Worker(url, { workerData }));
    await Promise.all(started.map((worker) => once(worker, 'message')));
    return new PlainLoop(started);
  }

  /** Lets the first `workers` loops infer batches for some seconds. */
  async run(workers: number, batch: number, seconds: number): Promise<PlainRun> {
    const order: PlainOrder = { batch, milliseconds: seconds * 1000 };
    const cpu = ownCpu();
    const done = await Promise.all(this.#workers.slice(0, workers).map((worker) => ask(worker, order)));
    const spent = ownCpu() - cpu;
    const frames = done.reduce((sum, part) => sum + part.frames, 0);
    if (done.some(({ faces }) => faces === 0)) throw new Error('the plain loop found no face at all');
    const framesPerSecond = done.reduce((sum, part) => sum + (part.frames / part.milliseconds) * 1000, 0);
    return { framesPerSecond, cpuPerFrame: (spent / frames) * 1000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

async function ask(worker: Worker, order: PlainOrder): Promise<PlainDone> {
  const answer = once(worker, 'message');
  worker.postMessage(order);
  const [done] = (await answer) as [PlainDone];
  return done;
}
