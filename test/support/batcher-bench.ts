import { DynamicBatcher, type BatchingPolicy, type Ticket } from '../../server/core/dynamic-batcher.js';
import { ServingError } from '../../server/core/errors.js';
import type { InferenceResponse } from '../../server/core/inference.js';
import { FakeClock } from './fake-clock.js';
import { FakeExecutor } from './fake-executor.js';
import { RecordingStatistics } from './recording-statistics.js';
import { makeRequest, type RequestOptions } from './requests.js';

export interface BenchOptions extends Partial<BatchingPolicy> {
  readonly instances?: number;
  readonly clock?: FakeClock;
}

/** A request on the bench: its ticket, and its answer once it has one. */
export class Submitted {
  readonly name: string;
  readonly ticket: Ticket;
  /** Every answer; more than one would be a fault. */
  readonly answers: InferenceResponse[] = [];

  constructor(name: string, ticket: Ticket) {
    this.name = name;
    this.ticket = ticket;
    void ticket.response.then((response) => this.answers.push(response));
  }

  get settled(): boolean {
    return this.answers.length > 0;
  }

  /** Code of the error it was answered with; null: results, or no answer yet. */
  get code(): string | null {
    const outcome = this.answers[0]?.outcome;
    return outcome instanceof ServingError ? outcome.code : null;
  }
}

/** A batcher on a clock and an executor that the test moves by hand. */
export class BatcherBench {
  readonly clock: FakeClock;
  readonly executor: FakeExecutor;
  readonly statistics = new RecordingStatistics();
  readonly batcher: DynamicBatcher;
  /** Names of the requests in the order in which their answers came. */
  readonly answered: string[] = [];
  readonly #names = new Map<unknown, string>();

  constructor({ instances = 1, clock = new FakeClock(), ...policy }: BenchOptions = {}) {
    this.clock = clock;
    this.executor = new FakeExecutor(instances);
    const defaults: BatchingPolicy = {
      maxBatchSize: 4,
      preferredBatchSizes: [],
      maxQueueDelay: 0,
      preserveOrdering: false,
      priorityLevels: 1,
      queueLimits: { requests: 0, bytes: 0 },
    };
    this.batcher = new DynamicBatcher({ ...defaults, ...policy }, this.executor, this.clock, this.statistics);
  }

  /** Enqueues a request under a name; it arrives alone. */
  submit(name: string, options: RequestOptions = {}): Submitted {
    const submitted = this.#enqueue(name, options);
    this.clock.allRead();
    return submitted;
  }

  /** Enqueues a request for each name, one after the other. */
  submitAll(names: string, options: RequestOptions = {}): Submitted[] {
    return names.split(' ').map((name) => this.submit(name, options));
  }

  /** Enqueues a request for each name, which arrive together. */
  submitTogether(names: string, options: RequestOptions = {}): Submitted[] {
    const submitted = names.split(' ').map((name) => this.#enqueue(name, options));
    this.clock.allRead();
    return submitted;
  }

  #enqueue(name: string, options: RequestOptions): Submitted {
    const request = makeRequest(this.clock.now(), options);
    this.#names.set(request, name);
    const submitted = new Submitted(name, this.batcher.enqueue(request));
    void submitted.ticket.response.then(() => this.answered.push(name));
    return submitted;
  }

  /** Every batch ever started, each as the names of its requests. */
  get batches(): string[] {
    return this.executor.started.map((batch) => this.namesOf(batch.requests));
  }

  namesOf(requests: readonly unknown[]): string {
    return requests.map((request) => this.#names.get(request)).join(' ');
  }

  /** Ends the oldest running batch well, and what follows from it. */
  async finishOldest(): Promise<void> {
    this.executor.running[0]?.finish();
    await settle();
  }
}

/** Lets every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
