import { errorMessage, ServingError } from '../core/errors.js';
import type { Executor } from '../core/executor.js';
import type { MessageRooms } from '../core/message-rooms.js';
import type { HeldPicture, KeptPicture } from '../core/picture.js';
import type { BatchResult, DetectionLayout, InferenceRequest } from '../core/inference.js';
import type { TensorSignature } from '../core/tensors.js';
import { InstanceThread } from './instance-thread.js';
import { releaseOnDevice } from './kept-pictures.js';
import { packFrames, unpackFrames } from './frame-crossing.js';
import type { BatchReply, InstanceSpec, Placement, TensorsReply } from './messages.js';
import { packTensors, unpackTensors } from './tensor-batch.js';
import { PictureRooms } from './picture-rooms.js';

export interface InstanceGroupOptions {
  /** What each instance loads. */
  readonly spec: Omit<InstanceSpec, 'placement'>;
  /** Where each instance runs; at least one. */
  readonly placements: readonly Placement[];
  /** Told of what operators should know. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** The file that the workers run; tests put in one that fails in ways a real one seldom does. */
  readonly workerFile?: URL;
  /** Where the memory of messages goes once it has been used; left out: nowhere. */
  readonly messageRooms?: MessageRooms;
  /** Told once that a GPU is beyond use, and with it every later call of this process. */
  readonly onDeviceLost?: (why: string) => void;
}

type Reply = BatchReply | TensorsReply;

/** How long after a replacement failed the next one is tried. */
const RETRY_MILLISECONDS = 5000;

/**
 * The instances of one loaded version, each in a thread of its own. It keeps no queue: the batcher asks `idle` first.
 * An instance whose thread dies or hangs costs its batch INSTANCE_LOST and is replaced. A GPU that is lost ends all that:
 * every batch fails with DEVICE_LOST from then on, and nothing is replaced.
 */
export class InstanceGroup implements Executor {
  readonly instances: number;
  readonly devices: readonly string[];
  onIdle: () => void = () => {};
  readonly #options: InstanceGroupOptions;
  readonly #rooms = new PictureRooms();
  readonly #idle: InstanceThread[] = [];
  readonly #busy = new Set<Promise<unknown>>();
  /** Threads that hang; each is closed when it comes back. */
  #hung = 0;
  /** Instances that are being replaced. */
  #replacing = 0;
  /** Why there is no instance now; null while there are some, or one is being started. */
  #lost: ServingError | null = null;
  #closed = false;
  #deviceLost = false;
  #retry: NodeJS.Timeout | undefined;
  #layout: DetectionLayout | null = null;
  #signature: TensorSignature | null = null;

  private constructor(options: InstanceGroupOptions) {
    this.#options = options;
    this.instances = options.placements.length;
    this.devices = options.placements.map((at) => (at.kind === 'cpu' ? 'CPU' : `GPU ${at.device}`));
  }

  /** Starts the instances; resolves when all have loaded. Throws the error of one that did not. */
  static async create(options: InstanceGroupOptions): Promise<InstanceGroup> {
    const group = new InstanceGroup(options);
    const starts = options.placements.map((placement) => group.#start(placement));
    // All of them, even when one has failed: a thread must not be ended while it loads.
    for (const started of await Promise.allSettled(starts)) {
      if (started.status === 'fulfilled') group.#add(started.value);
      else group.#notStarted(ServingError.from(started.reason));
    }
    if (group.#lost !== null) {
      await group[Symbol.asyncDispose]();
      throw group.#lost;
    }
    for (const note of group.#idle[0]?.notes ?? []) options.log('info', note);
    group.#layout = group.#idle[0]?.layout ?? null;
    group.#signature = group.#idle[0]?.signature ?? null;
    return group;
  }

  #start(placement: Placement): Promise<InstanceThread> {
    return InstanceThread.create({ ...this.#options.spec, placement }, this.#options.workerFile);
  }

  get idle(): number {
    // With no instance left, batches are let in to fail at once instead of waiting for ever.
    return this.#lost === null ? this.#idle.length : 1;
  }

  get layout(): DetectionLayout | null {
    return this.#layout;
  }

  get signature(): TensorSignature | null {
    return this.#signature;
  }

  async execute(batch: readonly InferenceRequest[]): Promise<BatchResult> {
    if (this.#lost !== null) throw this.#lost;
    const thread = this.#idle.pop();
    if (thread === undefined) throw new ServingError('INTERNAL', 'a batch was cut although no instance is idle');
    const work = this.#run(thread, batch);
    this.#busy.add(work);
    try {
      return await work;
    } finally {
      this.#busy.delete(work);
    }
  }

  /** Waits for the running batches, but not for threads that hang: those end when they come back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await Promise.allSettled(this.#busy);
    await Promise.all(this.#idle.splice(0).map((thread) => thread.close()));
  }

  async #run(thread: InstanceThread, batch: readonly InferenceRequest[]): Promise<BatchResult> {
    const run = this.#hand(thread, batch);
    let reply: Reply | null;
    try {
      reply = await this.#watch(run);
    } catch (cause) {
      void this.#replace(thread.placement);
      await thread.close();
      throw this.#instanceLost(`died: ${errorMessage(cause)}`, cause);
    }
    if (reply === null) {
      void this.#leaveAlone(thread, run);
      throw this.#instanceLost(`hung: no answer within ${this.#timeout} ms`, null);
    }
    this.#idle.push(thread);
    if (reply.type === 'error') {
      const error = ServingError.fromData(reply.error);
      if (error.code === 'DEVICE_LOST') this.#loseDevice(error);
      throw error;
    }
    if (reply.type === 'inferred') for (const room of reply.rooms) this.#options.messageRooms?.giveBack(room);
    const results =
      reply.type === 'inferred' ? unpackTensors(reply, batch) : unpackFrames(reply, (kept) => this.#held(kept));
    return { phases: reply.phases, results };
  }

  /** Requests that share a batch ask for tensors all or none. */
  #hand(thread: InstanceThread, batch: readonly InferenceRequest[]): Promise<Reply> {
    const transferList: ArrayBuffer[] = [];
    if (batch[0]?.content.kind === 'tensors')
      return thread.infer(packTensors(batch, transferList, thread.desk), transferList);
    return thread.execute(packFrames(batch, transferList, this.#rooms), transferList);
  }

  get #timeout(): number {
    return this.#options.spec.config.instance_group.execution_timeout_milliseconds;
  }

  /** The reply, or null when there is none in time. */
  async #watch(run: Promise<Reply>): Promise<Reply | null> {
    let watchdog: NodeJS.Timeout | undefined;
    const hung = new Promise<null>((resolve) => {
      watchdog = setTimeout(() => resolve(null), this.#timeout);
    });
    try {
      return await Promise.race([run, hung]);
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** Replaces a thread that hangs and closes it when it comes back. At most as many as there are instances hang. */
  async #leaveAlone(thread: InstanceThread, run: Promise<Reply>): Promise<void> {
    this.#hung += 1;
    if (this.#hung <= this.instances) void this.#replace(thread.placement);
    const [end] = await Promise.allSettled([run]);
    // Its pictures have nobody else to release them.
    const frames = end.status === 'fulfilled' && end.value.type === 'done' ? end.value.frames : [];
    for (const { kept } of frames) if (kept !== undefined) this.#held(kept).release();
    this.#hung -= 1;
    await thread.close();
    // Threads beyond that number were not replaced; they are now.
    if (this.#hung >= this.instances) void this.#replace(thread.placement);
  }

  /** Starts an instance anew, again and again while none is left. */
  async #replace(placement: Placement): Promise<void> {
    if (this.#closed || this.#deviceLost) return;
    this.#replacing += 1;
    try {
      const thread = await this.#start(placement);
      this.#replacing -= 1;
      if (this.#closed || this.#deviceLost) await thread.close();
      else this.#take(thread);
    } catch (cause) {
      this.#replacing -= 1;
      this.#notReplaced(placement, ServingError.from(cause));
    }
  }

  #notReplaced(placement: Placement, error: ServingError): void {
    const why = error.message;
    this.#options.log('error', `an instance could not be replaced: ${why}`);
    if (error.code === 'DEVICE_LOST') this.#loseDevice(error);
    if (this.#closed || this.#deviceLost) return;
    this.#retry = setTimeout(() => void this.#replace(placement), RETRY_MILLISECONDS);
    if (this.#idle.length + this.#busy.size + this.#replacing > 0) return;
    this.#lost = new ServingError(
      'INSTANCE_LOST',
      `the model has no instance left; the last one failed to start: ${why}`,
    );
    this.onIdle();
  }

  #notStarted(error: ServingError): void {
    if (error.code === 'DEVICE_LOST') this.#loseDevice(error);
    if (!this.#deviceLost) this.#lost = error;
  }

  /** From now on batches are let in to fail. */
  #loseDevice(error: ServingError): void {
    if (this.#deviceLost) return;
    this.#deviceLost = true;
    this.#lost = error;
    clearTimeout(this.#retry);
    this.#options.onDeviceLost?.(error.message);
    this.onIdle();
  }

  #take(thread: InstanceThread): void {
    this.#options.log('info', 'an instance has been replaced');
    this.#lost = null;
    this.#add(thread);
    this.onIdle();
  }

  #add(thread: InstanceThread): void {
    this.#idle.push(thread);
    thread.onDeath = () => {
      const place = this.#idle.indexOf(thread);
      // The death of a running one is told by its batch.
      if (place === -1) return;
      this.#idle.splice(place, 1);
      this.#options.log('error', 'an instance died between batches');
      void this.#replace(thread.placement);
    };
  }

  #held(picture: KeptPicture): HeldPicture {
    let released = false;
    return {
      picture,
      release: () => {
        if (released) return;
        released = true;
        if (picture.host !== null) this.#rooms.give(picture.host.bytes.buffer as SharedArrayBuffer);
        releaseOnDevice(picture);
      },
    };
  }

  #instanceLost(what: string, cause: unknown): ServingError {
    this.#options.log('error', `an instance ${what}`);
    return new ServingError('INSTANCE_LOST', `the instance ${what}; it is being replaced, send the frame again`, {
      cause,
    });
  }
}
