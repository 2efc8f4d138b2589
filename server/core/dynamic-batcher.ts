import { DynamicRule, type BatchRule, type CutPolicy, type CutView } from './batch-rule.js';
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

export interface BatchingPolicy extends CutPolicy {
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
 * when an instance can take it, and all that has arrived together is in the queue. Which requests a batch has is for
 * the rule to say: those of DynamicRule unless told otherwise.
 */
export class DynamicBatcher {
  readonly #policy: BatchingPolicy;
  readonly #rule: BatchRule;
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

  constructor(
    policy: BatchingPolicy,
    executor: Executor,
    clock: Clock,
    statistics: ModelStatistics,
    rule: BatchRule = new DynamicRule(policy),
  ) {
    this.#policy = policy;
    this.#rule = rule;
    this.#executor = executor;
    this.#clock = clock;
    this.#statistics = statistics;
    this.#queue = new RequestQueue(policy.priorityLevels, policy.queueLimits);
    this.#wakeUp = new WakeUp(clock, () => this.#dispatch());
    executor.onIdle = () => this.#dispatch();
    rule.onChange = () => this.#dispatch();
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
   * priority, or what the rule says) or, after `stop`, MODEL_NOT_READY.
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
    this.#rule.check(entry.request);
    try {
      this.#queue.push(entry);
    } catch (error) {
      if (!this.#gathering) throw error;
      // What is still being gathered has no claim to the room of those that wait.
      this.#dispatch();
      this.#rule.check(entry.request);
      this.#queue.push(entry);
    }
    this.#rule.queued(entry.request);
  }

  /** Requests that arrive together travel together: each batch costs two threads a wake-up. */
  #gather(): void {
    if (this.#gathering) return;
    if (this.#executor.idle === 0) return this.#executor.want?.(true);
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
    this.#executor.want?.(this.#queue.size > 0 && this.#executor.idle === 0);
    this.#settleStop();
  }

  #settleStop(): void {
    if (!this.#stopped || this.#queue.size > 0 || this.#running > 0) return;
    this.#wakeUp.cancel();
    this.#drained.resolve();
  }

  /** The entries of the next batch, taken out of the queue; empty: it is worth waiting. */
  #cut(): readonly Entry[] {
    const view: CutView<Entry> = {
      queue: this.#queue,
      now: this.#wakeUp.now(),
      idle: this.#executor.idle,
      wakeAt: (at) => this.#wakeUp.at(at),
      refuse: (entry, reason) => void this.#drop(entry, reason),
    };
    const batch = this.#rule.cut(view);
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
    if (!this.#drop(entry, reason)) return false;
    // What is behind it may now fit, and a stop may have waited for it.
    this.#dispatch();
    return true;
  }

  /** False when it is not queued any more. */
  #drop(entry: Entry, reason: ServingError): boolean {
    if (!this.#queue.remove(entry)) return false;
    this.#settle(entry, { width: 0, height: 0, outcome: reason }, NO_PHASES, 0);
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
    const failed = result.outcome instanceof ServingError ? result.outcome : null;
    if (failed === null) this.#statistics.succeeded(timings, rows);
    else this.#statistics.failed(failed, timings.total);
    this.#rule.left(entry.request, batchSize === 0 ? 'dropped' : failed === null ? 'answered' : 'failed');
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
      if (deadlineAt > now) this.#wakeUp.at(deadlineAt);
      else this.#drop(entry, reason);
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
