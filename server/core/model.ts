import type { Clock } from './clock.js';
import { CachedBatcher } from './cached-batcher.js';
import { DynamicBatcher, type Ticket } from './dynamic-batcher.js';
import type { ServingError } from './errors.js';
import type { Executor } from './executor.js';
import type { InferenceCounts } from './inference-counts.js';
import type { DetectionLayout, InferenceRequest } from './inference.js';
import type { ModelConfig } from './model-config.js';
import type { ResponseCache, ResponseSpace } from './response-cache.js';
import { SequenceRule } from './sequences/sequence-rule.js';
import type { SequenceTable } from './sequences/sequence-table.js';
import type { ModelStatistics } from './statistics.js';
import type { TensorSignature } from './tensors.js';
import { usedModels } from './used-models.js';

/** What a loaded version consists of. */
export interface ModelParts {
  readonly name: string;
  readonly version: number;
  readonly config: ModelConfig;
  /** Name of each class; empty where the model has no labels file. */
  readonly labels: readonly string[];
  /** Name of each class of an output, where outputs have labels files of their own. */
  readonly outputLabels?: ReadonlyMap<string, readonly string[]>;
  readonly executor: Executor;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  /** Where answers are kept; left out: nowhere. */
  readonly responses?: ResponseCache | null;
}

/** One loaded version: configuration, batcher, executor and statistics. It owns the executor and the statistics. */
export class Model implements AsyncDisposable {
  readonly name: string;
  readonly version: number;
  readonly config: ModelConfig;
  readonly labels: readonly string[];
  readonly #outputLabels: ReadonlyMap<string, readonly string[]>;
  readonly #executor: Executor;
  readonly #batcher: DynamicBatcher;
  /** Null: its requests stand for themselves. */
  readonly #sequences: SequenceTable | null;
  readonly #statistics: ModelStatistics;
  readonly #responses: ResponseCache | null;
  /** Null: its answers are not kept. */
  readonly #space: ResponseSpace | null = null;
  readonly #cached: CachedBatcher | null = null;
  #leases = 0;
  #released: (() => void) | null = null;

  constructor(parts: ModelParts) {
    this.name = parts.name;
    this.version = parts.version;
    this.config = completed(parts.config, parts.executor.signature);
    this.labels = parts.labels;
    this.#outputLabels = parts.outputLabels ?? new Map();
    this.#executor = parts.executor;
    this.#statistics = parts.statistics;
    const batching = parts.config.dynamic_batching;
    const { default_queue_policy: policy } = batching;
    const queueLimits = { requests: policy.max_queue_size, bytes: policy.max_queue_bytes };
    const rule = this.#sequenceRule(parts);
    this.#sequences = rule?.table ?? null;
    this.#batcher = new DynamicBatcher(
      {
        // The steps of an ensemble batch; its requests run one by one.
        maxBatchSize: this.config.task === 'ensemble' ? 0 : this.config.max_batch_size,
        preferredBatchSizes: batching.preferred_batch_size,
        maxQueueDelay: batching.max_queue_delay_microseconds,
        preserveOrdering:
          batching.preserve_ordering || (parts.config.sequence_batching?.oldest?.preserve_ordering ?? false),
        priorityLevels: batching.priority_levels,
        queueLimits,
      },
      parts.executor,
      parts.clock,
      parts.statistics,
      rule ?? undefined,
    );
    this.#responses = parts.responses ?? null;
    if (this.#responses === null || !this.config.response_cache.enable) return;
    this.#space = this.#responses.open(usedModels(this.config).length > 0);
    this.#cached = new CachedBatcher(this.#batcher, this.#space, queueLimits, parts.clock, parts.statistics);
  }

  get instances(): { readonly total: number; readonly idle: number } {
    return { total: this.#executor.instances, idle: this.#executor.idle };
  }

  /** See Executor.devices. */
  get devices(): readonly string[] {
    return this.#executor.devices;
  }

  /** What a row of its detections has; null where it finds none. */
  get layout(): DetectionLayout | null {
    return this.#executor.layout;
  }

  /** What became of its requests; a version that is reloaded counts on. */
  get counts(): InferenceCounts {
    return this.#statistics.counts;
  }

  /** The tensors of its network; null where it has none that could be asked for. */
  get signature(): TensorSignature | null {
    return this.#executor.signature;
  }

  /** Name of each class that an output tells; empty where there are none. */
  labelsOf(output: string): readonly string[] {
    return this.#outputLabels.get(output) ?? this.labels;
  }

  get queue(): { readonly requests: number; readonly bytes: number } {
    const { requests, bytes } = this.#cached?.waiting ?? { requests: 0, bytes: 0 };
    return { requests: this.#batcher.queuedRequests + requests, bytes: this.#batcher.queuedBytes + bytes };
  }

  /** Open sequences that have a slot, and that wait for one; null: it has none. */
  get sequences(): { readonly active: number; readonly backlog: number } | null {
    return this.#sequences?.counts ?? null;
  }

  /** Whether a request could go on with that sequence. `key`: see `keyOf`. */
  holdsSequence(key: string): boolean {
    return this.#sequences?.holds(key) === true;
  }

  /** Ends a sequence once its queued requests are done. */
  endSequence(key: string): void {
    this.#sequences?.finish(key);
  }

  /** Ends every sequence once its queued requests are done. */
  endSequences(): void {
    this.#sequences?.close();
  }

  /** Keeps the version loaded until the lease is disposed. */
  lease(): ModelLease {
    this.#leases += 1;
    return new ModelLease(this, this.#cached ?? this.#batcher, this.#statistics, () => this.#release());
  }

  /** Waits for every lease and every open sequence, then for every request, and frees the instances. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#responses?.modelsChanged();
    if (this.#leases > 0) {
      await new Promise<void>((resolve) => {
        this.#released = resolve;
      });
    }
    await this.#batcher.stop();
    this.#space?.[Symbol.dispose]();
    await this.#executor[Symbol.asyncDispose]();
    this.#statistics.dispose();
  }

  #sequenceRule({ config, executor, clock }: ModelParts): SequenceRule | null {
    const { sequence_batching: sequences } = config;
    if (sequences === undefined) return null;
    const { instances } = executor;
    const rule = new SequenceRule({ config: sequences, instances, maxBatchSize: this.config.max_batch_size }, clock);
    // All open sequences together hold a lease.
    rule.table.onUse = (inUse) => {
      if (inUse) this.#leases += 1;
      else this.#release();
    };
    return rule;
  }

  #release(): void {
    this.#leases -= 1;
    if (this.#leases === 0) this.#released?.();
  }
}

/** The configuration with what only the model file says: whether it has a batch dimension. */
function completed(config: ModelConfig, signature: TensorSignature | null): ModelConfig {
  return signature === null || signature.batched ? config : { ...config, max_batch_size: 0 };
}

/** The right to use a version: while it is held, the version is not unloaded. Dispose it as soon as the answer is there. */
export class ModelLease implements Disposable {
  readonly model: Model;
  readonly #batcher: DynamicBatcher | CachedBatcher;
  readonly #statistics: ModelStatistics;
  #release: (() => void) | null;

  constructor(model: Model, batcher: DynamicBatcher | CachedBatcher, statistics: ModelStatistics, release: () => void) {
    this.model = model;
    this.#batcher = batcher;
    this.#statistics = statistics;
    this.#release = release;
  }

  /** See DynamicBatcher.enqueue. */
  enqueue(request: InferenceRequest): Ticket {
    return this.#batcher.enqueue(request);
  }

  /** Counts a request that was meant for the model and failed before it could be queued. */
  refused(error: ServingError): void {
    this.#statistics.failed(error, 0);
  }

  [Symbol.dispose](): void {
    this.#release?.();
    this.#release = null;
  }
}
