import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { TensorModel } from './tensor-models.js';

/** What a loop is made of. */
export interface TensorLoopSpec {
  readonly model: Uint8Array;
  /** Sides of one row. */
  readonly input: readonly number[];
}

/** Infers batches of this size until `milliseconds` have passed; answered with the rows that were inferred a second. */
export interface TensorLoopOrder {
  readonly batch: number;
  readonly milliseconds: number;
}

/**
 * The reference without any server: loops around onnxruntime-node with one thread each, which infer the same tensor again
 * and again.
 */
export class TensorLoop implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async create(loops: number, { bytes, input }: TensorModel): Promise<TensorLoop> {
    const workerData: TensorLoopSpec = { model: bytes, input };
    const url = new URL('./tensor-loop-worker.js', import.meta.url);
    const started = Array.from({ length: loops }, () => new Worker(url, { workerData }));
    await Promise.all(started.map((worker) => once(worker, 'message')));
    return new TensorLoop(started);
  }

  /** Rows a second of all loops together. */
  async run(batch: number, seconds: number): Promise<number> {
    const order: TensorLoopOrder = { batch, milliseconds: seconds * 1000 };
    const rates = await Promise.all(
      this.#workers.map(async (worker) => {
        const answer = once(worker, 'message');
        worker.postMessage(order);
        return ((await answer) as [number])[0];
      }),
    );
    return rates.reduce((sum, rate) => sum + rate, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
