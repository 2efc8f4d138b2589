import { Piscina } from 'piscina';
import { ServingError } from '../core/errors.js';
import type { DetectionLayout } from '../core/inference.js';
import type { TensorSignature } from '../core/tensors.js';
import type {
  BatchReply,
  CrossingBatch,
  FrameTask,
  InstanceSpec,
  LoadReply,
  Placement,
  TensorsReply,
  WorkerTask,
} from './messages.js';
import { TensorDesk } from './tensor-desk.js';

type Pool = Piscina<WorkerTask, LoadReply | BatchReply | TensorsReply>;

const WORKER_FILE = new URL('./instance-worker.js', import.meta.url);

/**
 * The thread of one Instance: a piscina pool of a single worker, which the first task starts and nothing restarts.
 * A pool for each instance, and not one for the group, because ending a thread inside ONNX Runtime ends the process: a
 * thread that hangs has to be left alone, next to its replacement, until it comes back.
 */
export class InstanceThread {
  /** What operators should know about how the model was loaded. */
  readonly notes: readonly string[];
  /** As Executor.layout. */
  readonly layout: DetectionLayout | null;
  /** As Executor.signature. */
  readonly signature: TensorSignature | null;
  /** Where it runs. */
  readonly placement: Placement;
  /** Where small tensors are laid for it, while it runs no batch. */
  readonly desk: TensorDesk;
  /** Called when the thread has died; a batch that it was running rejects as well. */
  onDeath: () => void = () => {};
  readonly #pool: Pool;
  #closing = false;

  private constructor(
    pool: Pool,
    placement: Placement,
    desk: TensorDesk,
    { notes, layout, signature }: LoadReply & { readonly type: 'loaded' },
  ) {
    this.#pool = pool;
    this.placement = placement;
    this.desk = desk;
    this.notes = notes;
    this.layout = layout;
    this.signature = signature;
    pool.on('workerDestroy', () => {
      if (!this.#closing) this.onDeath();
    });
  }

  /** Starts the thread; resolves when its model is loaded. Throws MODEL_INVALID. Tests put in another worker file. */
  static async create(spec: InstanceSpec, workerFile: URL = WORKER_FILE): Promise<InstanceThread> {
    const pool: Pool = new Piscina({
      filename: workerFile.href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Infinity,
      recordTiming: false,
    });
    // A thread that dies between batches is told by onDeath; without a listener the process would end.
    pool.on('error', () => {});
    try {
      const desk = new TensorDesk();
      const reply = (await pool.run({ type: 'load', spec, desk: desk.memory })) as LoadReply;
      if (reply.type === 'error') throw ServingError.fromData(reply.error);
      return new InstanceThread(pool, spec.placement, desk, reply);
    } catch (error) {
      await pool.destroy();
      throw error;
    }
  }

  /** Runs a batch; one at a time. The buffers in `transferList` are moved. Rejects when the thread dies meanwhile. */
  async execute(frames: readonly FrameTask[], transferList: ArrayBuffer[]): Promise<BatchReply> {
    return (await this.#pool.run({ type: 'execute', frames }, { transferList })) as BatchReply;
  }

  /** The same of requests for tensors. */
  async infer(batch: CrossingBatch, transferList: ArrayBuffer[]): Promise<TensorsReply> {
    return (await this.#pool.run({ type: 'infer', batch }, { transferList })) as TensorsReply;
  }

  /** Ends the thread once its batch has ended, and frees its model. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#pool.close();
  }
}
