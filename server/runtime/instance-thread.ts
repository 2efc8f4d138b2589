import { Piscina } from 'piscina';
import { ServingError } from '../core/errors.js';
import type { BatchReply, FrameTask, InstanceNotice, InstanceSpec } from './messages.js';

const WORKER_FILE = new URL('./instance-worker.js', import.meta.url);

/**
 * The thread of one ModelInstance: a piscina pool of a single worker. A pool for each instance, and not one for the
 * group, because ending a thread inside ONNX Runtime ends the process: a thread that hangs has to be left alone, next to
 * its replacement, until it comes back.
 */
export class InstanceThread {
  /** What had to be changed in the model file to serve it. */
  readonly changes: readonly string[];
  readonly #pool: Piscina<FrameTask[], BatchReply>;

  private constructor(pool: Piscina<FrameTask[], BatchReply>, changes: readonly string[]) {
    this.#pool = pool;
    this.changes = changes;
  }

  /** Starts the thread; resolves when its model is loaded. Throws MODEL_INVALID. Tests put in another worker file. */
  static async create(spec: InstanceSpec, workerFile: URL = WORKER_FILE): Promise<InstanceThread> {
    const pool = new Piscina<FrameTask[], BatchReply>({
      filename: workerFile.href,
      workerData: spec,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Infinity,
      recordTiming: false,
    });
    const notice = await new Promise<InstanceNotice>((resolve) => {
      pool.on('message', resolve);
      pool.on('error', (cause) => resolve({ type: 'failed', error: ServingError.from(cause).toData() }));
    });
    if (notice.type === 'ready') return new InstanceThread(pool, notice.changes);
    await pool.destroy();
    throw ServingError.fromData(notice.error);
  }

  /** Runs a batch; one at a time. The buffers in `transferList` are moved. Rejects when the thread dies meanwhile. */
  execute(tasks: FrameTask[], transferList: ArrayBuffer[]): Promise<BatchReply> {
    return this.#pool.run(tasks, { transferList });
  }

  /** Ends the thread once its batch has ended, and frees its model. */
  async close(): Promise<void> {
    await this.#pool.close();
  }
}
