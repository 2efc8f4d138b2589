import type { Clock } from './clock.js';
import { ServingError } from './errors.js';
import type { Executor } from './executor.js';
import type {
  InferenceRequest,
  InferenceResponse,
  InferenceResult,
  PhaseDurations,
  RequestTimings,
} from './inference.js';
import { ReleaseOrder } from './release-order.js';
import { RequestQueue, type QueueLimits } from './request-queue.js';
import type { ModelStatistics } from './statistics.js';
import { WakeUp } from './wake-up.js';

export interface BatchingPolicy {
  /** Most rows of a batch. */
  readonly maxBatchSize: number;
  /** Sizes at which a batch is cut without further waiting, ascending. */
  readonly preferredBatchSizes: readonly number[];
  /** Microseconds that the oldest request may wait for company although an instance is idle. */
  readonly maxQueueDelay: number;
  /** Settle requests in the order in which they were dispatched. */
  readonly preserveOrdering: boolean;
  readonly priorityLevels: number;
  readonly queueLimits: QueueLimits;
}

/** A request on its way through the batcher. */
export interface Ticket {
  /** Never rejects: failures are outcomes. */
  readonly response: Promise<InferenceResponse>;
  /**
   * Takes the request out of the queue and settles it with `reason`. False when it is not queued any more: a running
   * request finishes.
   */
  withdraw(reason: ServingError): boolean;
}

interface Entry {
  readonly request: InferenceRequest;
  readonly resolve: (response: InferenceResponse) => void;
  /** Set once dispatched. */
  dispatchedAt: number;
  /** With preserveOrdering, once dispatched: lets the answer out when all earlier ones are. */
  place: ((release: () => void) => void) | null;
}

const NO_PHASES: PhaseDurations = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };

const UNANSWERED: InferenceResult = {
  width: 0,
  height: 0,
  outcome: new ServingError('INTERNAL', 'the executor left a request of the batch unanswered'),
};

/**
 * Groups the requests of one model version into batches for idle instances. A batch is cut as late as possible: only
 * when an instance can take it, and all that has arrived together is in the queue. Then, looking from its front:
 *
 * 1. as many rows as max_batch_size allows are there: cut;
 * 2. the next request has another batch key, or would overfill the batch: cut before it;
 * 3. a preferred size is reached: cut at the largest such size;
 * 4. the oldest request has waited for max_queue_delay (at once, when that is 0): cut what is there, shared evenly
 *    among the idle instances;
 * 5. else look again when the delay of the oldest ends.
 */
export class DynamicBatcher {
  readonly #policy: BatchingPolicy;
  readonly #executor: Executor;
  readonly #clock: Clock;
  readonly #statistics: ModelStatistics;
  readonly #queue: RequestQueue<Entry>;
  readonly #order = new ReleaseOrder();
  #running = 0;
  /** Whether the queue is looked at as soon as all that arrives now is in it. */
  #gathering = false;
  readonly #wakeUp: WakeUp;
  #stopped = false;
  readonly #drained = deferred();

  constructor(policy: BatchingPolicy, executor: Executor, clock: Clock, statistics: ModelStatistics) {
    this.#policy = policy;
    this.#executor = executor;
    this.#clock = clock;
    this.#statistics = statistics;
    this.#queue = new RequestQueue(policy.priorityLevels, policy.queueLimits);
    this.#wakeUp = new WakeUp(clock, () => this.#dispatch());
    executor.onIdle = () => this.#dispatch();
  }

  /** Requests that wait. */
  get queuedRequests(): number {
    return this.#queue.size;
  }

  /** Bytes of the pictures that wait. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /**
   * Takes a request. Throws a ServingError when it is refused: QUEUE_FULL, DEADLINE_EXCEEDED, INVALID_REQUEST (its
   * priority) or, after `stop`, MODEL_NOT_READY.
   */
  enqueue(request: InferenceRequest): Ticket {
    let entry!: Entry;
    const response = new Promise<InferenceResponse>((resolve) => {
      entry = { request, resolve, dispatchedAt: 0, place: null };
    });
    try {
      this.#admit(request);
      // What has expired makes room, also when its timer is late.
      this.#expire();
      this.#push(entry);
    } catch (cause) {
      this.#statistics.failed(ServingError.from(cause), this.#clock.now() - request.arrivedAt);
      throw cause;
    }
    if (request.deadlineAt !== null) this.#wakeUp.at(request.deadlineAt);
    this.#gather();
    return { response, withdraw: (reason) => this.#withdraw(entry, reason) };
  }

  /** Refuses new requests and resolves when the last one has been settled. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#settleStop();
    return this.#drained.promise;
  }

  #admit(request: InferenceRequest): void {
    if (this.#stopped) {
      throw new ServingError('MODEL_NOT_READY', 'the model is being unloaded; send the frame again later');
    }
    if (request.deadlineAt !== null && request.deadlineAt <= this.#clock.now()) {
      throw new ServingError('DEADLINE_EXCEEDED', 'the deadline had passed when the frame arrived');
    }
  }

  #push(entry: Entry): void {
    try {
      this.#queue.push(entry);
    } catch (error) {
      if (!this.#gathering) throw error;
      // What is still being gathered has no claim to the room of those that wait.
      this.#dispatch();
      this.#queue.push(entry);
    }
  }

  /** Requests that arrive together travel together: each batch costs two threads a wake-up. */
  #gather(): void {
    if (this.#gathering || this.#executor.idle === 0) return;
    this.#gathering = true;
    this.#clock.soon(() => {
      this.#gathering = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#expire();
    while (this.#executor.idle > 0 && this.#queue.size > 0) {
      const batch = this.#cut();
      if (batch.length === 0) break;
      void this.#execute(batch);
    }
    this.#settleStop();
  }

  #settleStop(): void {
    if (!this.#stopped || this.#queue.size > 0 || this.#running > 0) return;
    this.#wakeUp.cancel();
    this.#drained.resolve();
  }

  /** The entries of the next batch, taken out of the queue; empty: it is worth waiting. */
  #cut(): Entry[] {
    const { maxBatchSize, preferredBatchSizes, maxQueueDelay } = this.#policy;
    const candidates: Entry[] = [];
    let rows = 0;
    let closed = false;
    let oldest = Infinity;
    let preferred = 0;
    for (const entry of this.#queue) {
      const first = candidates[0];
      // A request of more rows than a batch holds travels alone; the instance runs it in parts.
      if (first !== undefined) {
        const fits = rows + entry.request.rows <= maxBatchSize;
        if (!fits || entry.request.batchKey !== first.request.batchKey) {
          closed = true;
          break;
        }
      }
      candidates.push(entry);
      rows += entry.request.rows;
      oldest = Math.min(oldest, entry.request.arrivedAt);
      if (preferredBatchSizes.includes(rows)) preferred = candidates.length;
      if (rows >= maxBatchSize) {
        closed = true;
        break;
      }
    }
    let length = 0;
    if (closed) length = candidates.length;
    else if (preferred > 0) length = preferred;
    else if (this.#wakeUp.now() >= oldest + maxQueueDelay) {
      length = Math.ceil(candidates.length / this.#executor.idle);
    } else this.#wakeUp.at(oldest + maxQueueDelay);
    const batch = candidates.slice(0, length);
    for (const entry of batch) this.#queue.remove(entry);
    return batch;
  }

  async #execute(batch: readonly Entry[]): Promise<void> {
    const dispatchedAt = this.#clock.now();
    for (const entry of batch) {
      entry.dispatchedAt = dispatchedAt;
      if (this.#policy.preserveOrdering) entry.place = this.#order.take();
    }
    this.#running += 1;
    const rows = batch.reduce((sum, entry) => sum + entry.request.rows, 0);
    try {
      const done = await this.#executor.execute(batch.map((entry) => entry.request));
      batch.forEach((entry, index) => this.#settle(entry, done.results[index] ?? UNANSWERED, done.phases, rows));
      this.#statistics.batchExecuted({
        requests: batch.length,
        rows,
        queueUs: batch.map((entry) => entry.dispatchedAt - entry.request.arrivedAt),
        decodeUs: done.phases.decode,
        preprocessUs: done.phases.preprocess,
        inferUs: done.phases.infer,
        postprocessUs: done.phases.postprocess,
      });
    } catch (cause) {
      const failed = { width: 0, height: 0, outcome: ServingError.from(cause) };
      for (const entry of batch) this.#settle(entry, failed, NO_PHASES, rows);
    }
    this.#running -= 1;
    this.#dispatch();
  }

  #withdraw(entry: Entry, reason: ServingError): boolean {
    if (!this.#queue.remove(entry)) return false;
    this.#settle(entry, { width: 0, height: 0, outcome: reason }, NO_PHASES, 0);
    // What is behind it may now fit, and a stop may have waited for it.
    this.#dispatch();
    return true;
  }

  #settle(entry: Entry, result: InferenceResult, phases: PhaseDurations, batchSize: number): void {
    const now = this.#clock.now();
    const { arrivedAt, rows } = entry.request;
    const { decode, preprocess, infer, postprocess } = phases;
    // Written out: spreading the phases made objects of many shapes, and took two thirds of the batcher's time.
    const timings: RequestTimings = {
      decode,
      preprocess,
      infer,
      postprocess,
      queue: (batchSize > 0 ? entry.dispatchedAt : now) - arrivedAt,
      total: now - arrivedAt,
      batchSize,
    };
    if (result.outcome instanceof ServingError) this.#statistics.failed(result.outcome, timings.total);
    else this.#statistics.succeeded(timings, rows);
    const release = (): void => entry.resolve({ ...result, timings });
    if (entry.place === null) release();
    else entry.place(release);
  }

  /** Settles what has waited past its deadline, and arms the timer for the next one. */
  #expire(): void {
    if (!this.#wakeUp.takeDue()) return;
    const now = this.#wakeUp.now();
    const reason = new ServingError('DEADLINE_EXCEEDED', 'the deadline passed while the frame was queued');
    for (const entry of this.#queue) {
      const { deadlineAt } = entry.request;
      if (deadlineAt === null) continue;
      if (deadlineAt > now) {
        this.#wakeUp.at(deadlineAt);
      } else {
        this.#queue.remove(entry);
        this.#settle(entry, { width: 0, height: 0, outcome: reason }, NO_PHASES, 0);
      }
    }
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
