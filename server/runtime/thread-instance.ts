import { ServingError } from '../core/errors.js';
import type { DetectionLayout } from '../core/inference.js';
import type { Instance } from './instance.js';
import { InstanceThread } from './instance-thread.js';
import type { BatchDone, FrameTask, InstanceSpec } from './messages.js';

/** An instance in a thread of its own, for those who want one alone. One batch at a time. */
export class ThreadInstance implements Instance {
  readonly #thread: InstanceThread;

  private constructor(thread: InstanceThread) {
    this.#thread = thread;
  }

  /** Throws what the instance failed to load with. */
  static async create(spec: InstanceSpec): Promise<ThreadInstance> {
    return new ThreadInstance(await InstanceThread.create(spec));
  }

  get notes(): readonly string[] {
    return this.#thread.notes;
  }

  get layout(): DetectionLayout | null {
    return this.#thread.layout;
  }

  /** Copies the pictures: they may be given to another instance too. */
  async execute(frames: readonly FrameTask[]): Promise<BatchDone> {
    const reply = await this.#thread.execute(frames, []);
    if (reply.type === 'error') throw ServingError.fromData(reply.error);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close();
  }
}
