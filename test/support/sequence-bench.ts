import { DynamicBatcher, type Ticket } from '../../server/core/dynamic-batcher.js';
import type { ServingError } from '../../server/core/errors.js';
import { sequenceSchema } from '../../server/core/sequences/sequence-config.js';
import { SequenceRule } from '../../server/core/sequences/sequence-rule.js';
import { SequenceStep, type SequenceId } from '../../server/core/sequences/sequence-step.js';
import type { QueueLimits } from '../../server/core/request-queue.js';
import { settle } from './batcher-bench.js';
import { FakeClock } from './fake-clock.js';
import { FakeExecutor } from './fake-executor.js';
import { RecordingStatistics } from './recording-statistics.js';
import { makeRequest, type RequestOptions } from './requests.js';

export interface SequenceBenchOptions {
  /** As config.yaml has it. */
  readonly sequences?: object;
  readonly instances?: number;
  readonly maxBatchSize?: number;
  readonly queueLimits?: QueueLimits;
}

/** A batcher of sequences with a clock and an executor that a test moves by hand. */
export class SequenceBench {
  readonly clock = new FakeClock();
  readonly executor: FakeExecutor;
  readonly statistics = new RecordingStatistics();
  readonly rule: SequenceRule;
  readonly batcher: DynamicBatcher;
  /** Names of the requests of each batch; with `direct`, each behind its row. */
  readonly batches: string[] = [];
  /** `name` or `name CODE`, in the order of the answers. */
  readonly answers: string[] = [];
  readonly messages: string[] = [];
  readonly steps = new Map<string, SequenceStep>();
  readonly #tickets = new Map<string, Ticket>();

  constructor({
    sequences = {},
    instances = 1,
    maxBatchSize = 4,
    queueLimits = { requests: 0, bytes: 0 },
  }: SequenceBenchOptions = {}) {
    const config = sequenceSchema.parse(sequences);
    this.executor = new FakeExecutor(instances);
    this.rule = new SequenceRule({ config, instances, maxBatchSize }, this.clock);
    const policy = {
      maxBatchSize,
      preferredBatchSizes: [],
      maxQueueDelay: 0,
      preserveOrdering: false,
      priorityLevels: 1,
      queueLimits,
    };
    this.batcher = new DynamicBatcher(policy, this.executor, this.clock, this.statistics, this.rule);
    this.executor.onStart = ({ requests }) => {
      const names = requests.map(({ sequence }) => {
        const name = [...this.steps].find(([, step]) => step === sequence)![0];
        return sequence!.row === null ? name : `${sequence!.row}:${name}`;
      });
      this.batches.push(names.join(' '));
    };
  }

  /**
   * Queues requests. `a1` is one of sequence a; `a1+` starts it, `a1-` ends it, `a1+-` is all of it. What is refused at once
   * is told among the answers. Each arrives alone.
   */
  send(names: string, options: RequestOptions = {}): void {
    for (const text of names.split(' ')) {
      const name = text.replace(/[+-]/g, '');
      this.sendStep(name, name.replace(/\d+$/, ''), { start: text.includes('+'), end: text.includes('-') }, options);
    }
  }

  sendStep(
    name: string,
    id: SequenceId,
    { start = false, end = false }: { readonly start?: boolean; readonly end?: boolean },
    options: RequestOptions = {},
  ): void {
    const sequence = new SequenceStep({ id, start, end });
    this.steps.set(name, sequence);
    try {
      const ticket = this.batcher.enqueue(makeRequest(this.clock.now(), { ...options, sequence }));
      this.#tickets.set(name, ticket);
      void ticket.response.then(({ outcome }) => this.#answered(name, outcome));
    } catch (error) {
      this.#answered(name, error);
    }
    this.clock.allRead();
  }

  /** False where it is not queued. */
  cancel(name: string, reason: ServingError): boolean {
    return this.#tickets.get(name)?.withdraw(reason) ?? false;
  }

  /** Ends the oldest batch that runs. */
  async finish(): Promise<void> {
    this.executor.running[0]!.finish();
    await settle();
  }

  async fail(error: Error): Promise<void> {
    this.executor.running[0]!.fail(error);
    await settle();
  }

  #answered(name: string, outcome: unknown): void {
    if (outcome instanceof Error) {
      this.messages.push(outcome.message);
      this.answers.push(`${name} ${(outcome as { code?: string }).code}`);
    } else {
      this.answers.push(name);
    }
  }
}
