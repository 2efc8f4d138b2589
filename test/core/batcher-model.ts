import type { Ticket } from '../../server/core/dynamic-batcher.js';
import { DynamicBatcher, type BatchingPolicy } from '../../server/core/dynamic-batcher.js';
import { ServingError, type ErrorCode } from '../../server/core/errors.js';
import { contentBytes } from '../../server/core/picture.js';
import type { InferenceRequest, InferenceResponse } from '../../server/core/inference.js';
import { settle } from '../support/batcher-bench.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeExecutor, type FakeBatch } from '../support/fake-executor.js';
import { RecordingStatistics } from '../support/recording-statistics.js';
import { makeRequest, type RequestOptions } from '../support/requests.js';

interface Known {
  readonly request: InferenceRequest;
  readonly number: number;
  ticket: Ticket | null;
  started: boolean;
  withdrawn: boolean;
  readonly answers: InferenceResponse[];
}

/** A DynamicBatcher beside a plain account of what it must do. Every difference is noted in `faults`. */
export class BatcherModel {
  readonly clock = new FakeClock();
  readonly executor: FakeExecutor;
  readonly faults: string[] = [];
  readonly known: Known[] = [];
  readonly #policy: BatchingPolicy;
  readonly #statistics = new RecordingStatistics();
  readonly #batcher: DynamicBatcher;
  readonly #startedOrder: Known[] = [];
  readonly #answeredOrder: Known[] = [];
  #refused = 0;

  constructor(policy: BatchingPolicy, instances: number) {
    this.#policy = policy;
    this.executor = new FakeExecutor(instances);
    this.executor.onStart = (batch) => this.#checkBatch(batch);
    this.#batcher = new DynamicBatcher(policy, this.executor, this.clock, this.#statistics);
  }

  enqueue(options: RequestOptions): void {
    const request = makeRequest(this.clock.now(), options);
    const expected = this.#expectedRefusal(request);
    const number = this.known.length;
    const item: Known = { request, number, ticket: null, started: false, withdrawn: false, answers: [] };
    this.known.push(item);
    try {
      item.ticket = this.#batcher.enqueue(request);
      this.#check(expected === null, `request ${number} was taken instead of ${expected}`);
      void item.ticket.response.then((response) => {
        item.answers.push(response);
        if (item.started) this.#answeredOrder.push(item);
      });
    } catch (error) {
      this.known.pop();
      this.#refused += 1;
      const { code } = ServingError.from(error);
      this.#check(code === expected, `request ${number} was refused with ${code} instead of ${expected}`);
    }
  }

  withdraw(item: Known): void {
    const queued = this.#queued().includes(item);
    const withdrawn = item.ticket?.withdraw(new ServingError('CANCELLED', 'gone'));
    this.#check(withdrawn === queued, `withdraw of request ${item.number} answered ${withdrawn}`);
    if (queued) item.withdrawn = true;
  }

  /** Lets promises settle, then compares the batcher with the account. */
  async checkQueue(): Promise<void> {
    await settle();
    const queued = this.#queued();
    const bytes = queued.reduce((sum, { request }) => sum + contentBytes(request.content), 0);
    this.#check(this.#batcher.queuedRequests === queued.length, 'the number of queued requests is wrong');
    this.#check(this.#batcher.queuedBytes === bytes, 'the number of queued bytes is wrong');
    const now = this.clock.now();
    for (const { request, number } of queued) {
      this.#check(request.deadlineAt === null || request.deadlineAt > now, `request ${number} outlives its deadline`);
      const due = request.arrivedAt + this.#policy.maxQueueDelay <= now;
      this.#check(!due || this.executor.idle === 0, `request ${number} waits although an instance is idle`);
    }
  }

  /** Ends everything and checks what holds at the end. */
  async finish(): Promise<void> {
    let stopped = false;
    void this.#batcher.stop().then(() => (stopped = true));
    for (let round = 0; round < 10_000 && !stopped; round++) {
      if (this.executor.instances === 0) this.executor.add();
      this.clock.advance(this.#policy.maxQueueDelay);
      this.executor.running[0]?.finish();
      await settle();
    }
    this.#check(stopped, 'stop did not resolve');
    this.#check(this.#batcher.queuedRequests === 0 && this.#batcher.queuedBytes === 0, 'the queue is not empty');
    for (const { answers, number, started } of this.known) {
      this.#check(answers.length === 1, `request ${number} was answered ${answers.length} times`);
      this.#check(started === answers.some(({ timings }) => timings.batchSize > 0), `the batch size of ${number}`);
    }
    this.#check(this.#statistics.reported === this.known.length + this.#refused, 'not each was reported once');
    if (this.#policy.preserveOrdering) {
      const kept = this.#answeredOrder.every((item, index) => item === this.#startedOrder[index]);
      this.#check(kept, 'answers came out of order');
    }
  }

  /** Taken, and by this account neither started nor settled. */
  #queued(): Known[] {
    return this.known.filter(({ started, withdrawn, answers }) => !started && !withdrawn && answers.length === 0);
  }

  #expectedRefusal({ deadlineAt, content }: InferenceRequest): ErrorCode | null {
    if (deadlineAt !== null && deadlineAt <= this.clock.now()) return 'DEADLINE_EXCEEDED';
    const { requests, bytes } = this.#policy.queueLimits;
    const queued = this.#queued();
    if (requests > 0 && queued.length >= requests) return 'QUEUE_FULL';
    const held = queued.reduce((sum, { request }) => sum + contentBytes(request.content), 0);
    return bytes > 0 && queued.length > 0 && held + contentBytes(content) > bytes ? 'QUEUE_FULL' : null;
  }

  #checkBatch(batch: FakeBatch): void {
    const items = batch.requests.map((request) => this.known.find((item) => item.request === request));
    const what = `batch of ${items.map((item) => item?.number).join(' ')}`;
    this.#check(items.length > 0, 'an empty batch was started');
    this.#check(batch.rows <= this.#policy.maxBatchSize || items.length === 1, `${what}: too many rows`);
    this.#check(new Set(batch.requests.map(({ batchKey }) => batchKey)).size === 1, `${what}: keys differ`);
    for (const item of items) {
      if (item === undefined) continue;
      const { deadlineAt } = item.request;
      this.#check(deadlineAt === null || deadlineAt > this.clock.now(), `${what}: ${item.number} has expired`);
      this.#check(!item.withdrawn, `${what}: ${item.number} was withdrawn`);
      this.#check(!item.started, `${what}: ${item.number} was started before`);
      this.#check(!this.#overtakes(item), `${what}: ${item.number} overtakes one of its priority`);
      item.started = true;
      this.#startedOrder.push(item);
    }
  }

  /** Whether an earlier request of a priority no worse is still waiting. */
  #overtakes({ number, request }: Known): boolean {
    const now = this.clock.now();
    return this.#queued().some(
      (other) =>
        other.request.priority <= request.priority &&
        other.number < number &&
        (other.request.deadlineAt === null || other.request.deadlineAt > now + 1000),
    );
  }

  #check(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(`${fault} (at ${this.clock.now()})`);
  }
}
