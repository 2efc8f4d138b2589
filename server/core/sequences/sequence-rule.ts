import { cutDynamic, type BatchRule, type CutPolicy, type CutView, type Leaving } from '../batch-rule.js';
import type { Clock } from '../clock.js';
import { ServingError } from '../errors.js';
import type { InferenceRequest } from '../inference.js';
import type { Queued } from '../request-queue.js';
import type { SequenceConfig } from './sequence-config.js';
import { sequenceText, SequenceStep } from './sequence-step.js';
import { SequenceTable, type Sequence, type SequenceRun } from './sequence-table.js';

/** What of a model its sequences depend on. */
export interface SequencePolicy {
  readonly config: SequenceConfig;
  readonly instances: number;
  /** As completed from the model file: 0 where there is no batch dimension. */
  readonly maxBatchSize: number;
}

/** Where a request belongs. */
interface Place {
  readonly step: SequenceStep;
  readonly sequence: Sequence;
  readonly run: SequenceRun;
}

interface Front<T> extends Place {
  readonly item: T;
}

/**
 * Requests belong to sequences. Of each that has a slot the oldest request may run, once the one before it is done.
 *
 * - direct: slot s is row s / instances of instance s modulo instances; an instance has one batch at a time. Instances are
 *   counted, not told apart: what a model remembers is handed to it, so that any idle thread can run any of them;
 * - oldest: the oldest requests of all sequences make up a batch, by the rules of `cutDynamic`.
 *
 * A second start begins the sequence anew once what was queued before it is done. One whose id is used again after its end
 * gives its slot to those that wait.
 */
export class SequenceRule implements BatchRule {
  onChange: () => void = () => {};
  readonly table: SequenceTable;
  readonly #policy: SequencePolicy;
  readonly #places = new WeakMap<SequenceStep, Place>();
  /** Requests of each instance that are in a batch; only with direct. */
  readonly #running: number[];

  constructor(policy: SequencePolicy, clock: Clock) {
    const { config, instances } = policy;
    this.#policy = policy;
    this.#running = Array.from({ length: instances }, () => 0);
    const perInstance =
      config.oldest === undefined ? this.#rows : (config.oldest.max_candidate_sequences ?? this.#rows);
    const limits = { slots: perInstance * instances, maxIdle: config.max_sequence_idle_microseconds };
    this.table = new SequenceTable(limits, clock);
    this.table.onIdleEnd = () => this.onChange();
  }

  check(request: InferenceRequest): void {
    const step = stepOf(request);
    if (!this.table.holds(step.key) && !step.start) throw notOpen(step, this.#policy.config);
  }

  queued(request: InferenceRequest): void {
    const step = stepOf(request);
    const sequence = this.table.find(step) ?? this.table.open(step.key);
    if (step.start) sequence.begin();
    const { run } = sequence;
    step.memory = run.memory;
    run.ending = step.end;
    sequence.queued += 1;
    this.table.wake(sequence);
    this.#places.set(step, { step, sequence, run });
  }

  cut<T extends Queued>(view: CutView<T>): readonly T[] {
    const { oldest } = this.#policy.config;
    let refusals = 0;
    const counting: CutView<T> = {
      queue: view.queue,
      now: view.now,
      idle: view.idle,
      wakeAt: (at) => view.wakeAt(at),
      refuse: (item, reason) => {
        refusals += 1;
        view.refuse(item, reason);
      },
    };
    let fronts: readonly Front<T>[] = [];
    let seen: number;
    do {
      seen = refusals;
      fronts = oldest === undefined ? this.#cutDirect(counting) : this.#cutOldest(counting, oldest);
      // What was refused may have left its slot to a sequence whose requests come earlier in the queue.
    } while (fronts.length === 0 && refusals > seen);
    return fronts.map(({ item, step, sequence }) => {
      sequence.queued -= 1;
      sequence.running = true;
      if (oldest === undefined) {
        const { instances } = this.#policy;
        step.row = Math.floor(sequence.slot! / instances);
        this.#running[sequence.slot! % instances]! += 1;
      }
      return item;
    });
  }

  left(request: InferenceRequest, how: Leaving): void {
    const { step, sequence, run } = this.#placeOf(request);
    if (how === 'dropped') {
      sequence.queued -= 1;
    } else {
      sequence.running = false;
      if (step.row !== null) this.#running[sequence.slot! % this.#policy.instances]! -= 1;
    }
    if (step.start && how !== 'answered') run.lost = true;
    if (!sequence.running && sequence.queued === 0) {
      if (sequence.run.ending || sequence.run.lost) this.table.end(sequence);
      else this.table.rest(sequence);
    } else if (step.end && how !== 'dropped') {
      this.table.requeue(sequence);
    }
  }

  /** Rows of a batch. */
  get #rows(): number {
    return Math.max(1, this.#policy.maxBatchSize);
  }

  #placeOf({ sequence }: InferenceRequest): Place {
    return this.#places.get(sequence!)!;
  }

  /** The requests that could run now, one a sequence. */
  *#fronts<T extends Queued>(view: CutView<T>): Generator<Front<T> & Queued> {
    const seen = new Set<Sequence>();
    for (const item of view.queue) {
      const { request } = item;
      const place = this.#placeOf(request);
      const { sequence, run, step } = place;
      if (run.lost) {
        view.refuse(item, notBegun(step));
        continue;
      }
      // Also where it has no slot yet: a refusal may give it one, and its first request comes first.
      if (seen.has(sequence)) continue;
      seen.add(sequence);
      if (sequence.slot === null || sequence.running) continue;
      yield { ...place, item, request };
    }
  }

  #cutOldest<T extends Queued>(
    view: CutView<T>,
    {
      preferred_batch_size: preferred,
      max_queue_delay_microseconds: maxQueueDelay,
    }: NonNullable<SequenceConfig['oldest']>,
  ): readonly Front<T>[] {
    const policy: CutPolicy = {
      maxBatchSize: this.#policy.maxBatchSize,
      preferredBatchSizes: preferred,
      maxQueueDelay,
    };
    const fronts: CutView<Front<T> & Queued> = {
      queue: this.#fronts(view),
      now: view.now,
      idle: view.idle,
      wakeAt: (at) => view.wakeAt(at),
      refuse: ({ item }, reason) => view.refuse(item, reason),
    };
    return cutDynamic(policy, fronts, batchKey);
  }

  #cutDirect<T extends Queued>(view: CutView<T>): readonly Front<T>[] {
    const { config, instances } = this.#policy;
    const { max_queue_delay_microseconds: delay = 0, minimum_slot_utilization: share = 0 } = config.direct ?? {};
    const groups = new Map<number, (Front<T> & Queued)[]>();
    for (const front of this.#fronts(view)) {
      const instance = front.sequence.slot! % instances;
      if (this.#running[instance]! > 0) continue;
      const group = groups.get(instance);
      if (group === undefined) groups.set(instance, [front]);
      else if (batchKey(group[0]!) === batchKey(front)) group.push(front);
    }
    // The instance whose request is the oldest comes first.
    for (const group of groups.values()) {
      const waitsUntil = group[0]!.request.arrivedAt + delay;
      if (group.length >= share * this.#rows || view.now >= waitsUntil) {
        return group.sort((a, b) => a.sequence.slot! - b.sequence.slot!);
      }
      view.wakeAt(waitsUntil);
    }
    return [];
  }
}

function stepOf({ sequence }: InferenceRequest): SequenceStep {
  if (sequence === undefined) throw new Error('a model with sequences was given a request without one');
  return sequence;
}

function batchKey({ request, step }: { readonly request: InferenceRequest; readonly step: SequenceStep }): string {
  return `${request.batchKey}|${step.memory.key}`;
}

function notOpen({ id }: SequenceStep, { max_sequence_idle_microseconds: idle }: SequenceConfig): ServingError {
  return new ServingError(
    'INVALID_REQUEST',
    `sequence ${sequenceText(id)} is not open: it has not begun, has ended, or had no request for ` +
      `max_sequence_idle_microseconds (${idle}); send its first request with sequence_start`,
  );
}

function notBegun({ id }: SequenceStep): ServingError {
  return new ServingError(
    'INVALID_REQUEST',
    `the first request of sequence ${sequenceText(id)} failed or was never run; begin the sequence again`,
  );
}
