import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { errorMessage, ServingError } from '../core/errors.js';
import type { Executor } from '../core/executor.js';
import type { BatchResult, InferenceRequest, InferenceResult } from '../core/inference.js';
import type { BatchReply, FrameReply, FrameTask, InstanceNotice, InstanceSpec } from './messages.js';

export interface InstanceGroupOptions {
  /** What each instance loads. */
  readonly spec: Omit<InstanceSpec, 'threads'>;
  /** CPU threads that the instances share. */
  readonly threads: number;
  /** Told of what operators should know. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** The file that the workers run; tests put in one that fails in ways a real one seldom does. */
  readonly workerFile?: URL;
}

/** Instances of a CPU model that names no count: one a core, but not so many that weights fill the memory. */
const MOST_DEFAULT_INSTANCES = 4;

/** Ends of buffers beyond this are somebody else's: Node keeps small messages in shared slabs. */
const MESSAGE_OVERHEAD = 4096;

/**
 * The instances of one loaded version: a piscina pool of fixed size whose threads each own a ModelInstance. It keeps no
 * queue of its own: the batcher asks `idle` first. A thread that dies or hangs costs its batch INSTANCE_LOST and is
 * replaced.
 */
export class InstanceGroup implements Executor {
  readonly instances: number;
  onIdle: () => void = () => {};
  readonly #pool: Piscina<FrameTask[], BatchReply>;
  readonly #options: InstanceGroupOptions;
  readonly #timeout: number;
  /** Threads whose model is loaded. */
  readonly #ready = new Set<number>();
  #running = 0;
  /** Why the last replacement failed to load; set when none is left. */
  #lost: ServingError | null = null;
  #loaded: ((error: ServingError | null) => void) | null = null;

  private constructor(options: InstanceGroupOptions) {
    const { config } = options.spec;
    const group = config.instance_group;
    this.#options = options;
    this.instances = group.count ?? Math.min(availableParallelism(), MOST_DEFAULT_INSTANCES);
    this.#timeout = group.execution_timeout_milliseconds;
    const threads = group.intra_op_thread_count ?? Math.max(1, Math.floor(options.threads / this.instances));
    this.#pool = new Piscina({
      filename: (options.workerFile ?? new URL('./instance-worker.js', import.meta.url)).href,
      workerData: { ...options.spec, threads } satisfies InstanceSpec,
      minThreads: this.instances,
      maxThreads: this.instances,
      idleTimeout: Infinity,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      loadBalancer: (_task, workers) =>
        workers.find((worker) => worker.currentUsage === 0 && this.#ready.has(worker.id)) ?? null,
    });
    this.#pool.on('message', (notice: InstanceNotice) => this.#noticed(notice));
    this.#pool.on('workerDestroy', (worker: { id: number }) => this.#ready.delete(worker.id));
    this.#pool.on('error', (error: unknown) => this.#failed(ServingError.from(error)));
  }

  /** Starts the instances; resolves when all have loaded. Throws MODEL_INVALID with the first one's reason. */
  static async create(options: InstanceGroupOptions): Promise<InstanceGroup> {
    const { kind } = options.spec.config.instance_group;
    if (kind === 'KIND_GPU') {
      throw new ServingError(
        'MODEL_INVALID',
        'instance_group.kind is KIND_GPU, but this build serves on the CPU only; use KIND_AUTO or KIND_CPU',
      );
    }
    const group = new InstanceGroup(options);
    const error = await new Promise<ServingError | null>((resolve) => {
      group.#loaded = resolve;
    });
    group.#loaded = null;
    if (error === null) return group;
    await group.#pool.destroy();
    throw error;
  }

  get idle(): number {
    // With no instance left, batches are let in to fail at once instead of waiting for ever.
    if (this.#lost !== null) return 1;
    return this.#ready.size - this.#running;
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    if (this.#lost !== null) throw this.#lost;
    this.#running += 1;
    const watchdog = new AbortController();
    const timer = setTimeout(() => watchdog.abort(), this.#timeout);
    try {
      const transferList: ArrayBuffer[] = [];
      const tasks = batch.map((request) => toTask(request, transferList));
      const reply = await this.#pool.run(tasks, { transferList, signal: watchdog.signal });
      if (reply.type === 'error') throw ServingError.fromData(reply.error);
      return { phases: reply.phases, results: toResults(reply.frames, reply.values) };
    } catch (cause) {
      throw cause instanceof ServingError ? cause : this.#instanceLost(cause, watchdog.signal.aborted);
    } finally {
      clearTimeout(timer);
      this.#running -= 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }

  #noticed(notice: InstanceNotice): void {
    if (notice.type === 'failed') {
      this.#failed(ServingError.fromData(notice.error));
      return;
    }
    this.#ready.add(notice.threadId);
    if (this.#loaded === null) {
      this.#options.log('info', `an instance of ${this.#options.spec.model} has been replaced`);
      this.onIdle();
    } else if (this.#ready.size === this.instances) {
      for (const change of notice.changes) this.#options.log('info', `${this.#options.spec.model}: ${change}`);
      this.#loaded(null);
    }
  }

  /** An instance did not load, or its thread died between batches. */
  #failed(error: ServingError): void {
    if (this.#loaded !== null) {
      this.#loaded(error);
      return;
    }
    const { model } = this.#options.spec;
    this.#options.log('error', `an instance of ${model} failed: ${error.message}`);
    if (this.#ready.size > 0) return;
    this.#lost = new ServingError(
      'INSTANCE_LOST',
      `model ${model} has no instance left (${error.message}); it has to be loaded again`,
    );
    this.onIdle();
  }

  #instanceLost(cause: unknown, hung: boolean): ServingError {
    const { model } = this.#options.spec;
    const what = hung ? `hung: no answer within ${this.#timeout} ms` : `died: ${errorMessage(cause)}`;
    this.#options.log('error', `an instance of ${model} ${what}`);
    return new ServingError('INSTANCE_LOST', `the instance ${what}; it is being replaced, send the frame again`, {
      cause,
    });
  }
}

/** The request as it crosses, its picture moved where the buffer is the message's own and copied where it is shared. */
function toTask({ picture, parameters }: InferenceRequest, transferList: ArrayBuffer[]): FrameTask {
  const { bytes } = picture;
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength - bytes.byteLength <= MESSAGE_OVERHEAD) {
    transferList.push(buffer);
    return { picture, parameters };
  }
  return { picture: { ...picture, bytes: bytes.slice() }, parameters };
}

function toResults(frames: readonly FrameReply[], values: Float32Array): InferenceResult[] {
  let offset = 0;
  return frames.map(({ width, height, error, rows, columns, rowErrors }) => {
    if (error !== null) return { width, height, outcome: ServingError.fromData(error) };
    const start = offset;
    offset += rows * columns;
    return {
      width,
      height,
      outcome: {
        rows,
        columns,
        values: values.subarray(start, offset),
        rowErrors: rowErrors?.map((data) => (data === null ? null : ServingError.fromData(data))) ?? null,
      },
    };
  });
}
