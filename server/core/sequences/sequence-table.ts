import type { Clock } from '../clock.js';
import { WakeUp } from '../wake-up.js';
import { SequenceMemory, type SequenceStep } from './sequence-step.js';

/** A sequence from one start to its end. */
export interface SequenceRun {
  readonly memory: SequenceMemory;
  /** The request that ends it has been queued. */
  ending: boolean;
  /** Its first request did not run, or failed: no other one can. */
  lost: boolean;
}

/** An id that is in use, and its requests. */
export class Sequence {
  readonly key: string;
  /** Null: it waits for one. */
  slot: number | null = null;
  /** What requests without a start belong to. */
  run: SequenceRun = newRun();
  /** Requests that wait. */
  queued = 0;
  /** Whether a request of it is in a batch. */
  running = false;
  /** Microseconds of the clock; only of use while it has no requests. */
  quietSince = 0;

  constructor(key: string) {
    this.key = key;
  }

  begin(): void {
    this.run = newRun();
  }
}

function newRun(): SequenceRun {
  return { memory: new SequenceMemory(), ending: false, lost: false };
}

export interface SequenceLimits {
  /** Sequences that may have requests in batches. */
  readonly slots: number;
  /** Microseconds without a request after which a sequence ends. */
  readonly maxIdle: number;
}

/**
 * The open sequences of one model version: some have a slot, the others wait for one in the order in which they came. One
 * that waits always has a queued request, so that the limits of the queue bound them as well.
 */
export class SequenceTable {
  /** Called when sequences have ended for want of requests. */
  onIdleEnd: () => void = () => {};
  /** Called when the first sequence opens (true), and when the last has ended (false). */
  onUse: (inUse: boolean) => void = () => {};
  readonly #limits: SequenceLimits;
  readonly #wakeUp: WakeUp;
  readonly #open = new Map<string, Sequence>();
  readonly #backlog = new Set<Sequence>();
  /** Those without requests, the longest so first. */
  readonly #quiet = new Set<Sequence>();
  /** Slots that nobody has, descending. */
  readonly #free: number[];
  #closing = false;

  constructor(limits: SequenceLimits, clock: Clock) {
    this.#limits = limits;
    this.#free = Array.from({ length: limits.slots }, (_, index) => limits.slots - 1 - index);
    this.#wakeUp = new WakeUp(clock, () => this.#expire());
  }

  /** Sequences that have a slot, and that wait for one. */
  get counts(): { readonly active: number; readonly backlog: number } {
    return { active: this.#open.size - this.#backlog.size, backlog: this.#backlog.size };
  }

  /** Whether a request of the sequence could go on with it. */
  holds(key: string): boolean {
    this.#expire();
    const run = this.#open.get(key)?.run;
    return run !== undefined && !run.ending && !run.lost;
  }

  /** Ends a sequence once its queued requests are done. */
  finish(key: string): void {
    const sequence = this.#open.get(key);
    if (sequence === undefined) return;
    sequence.run.ending = true;
    if (this.#quiet.has(sequence)) this.end(sequence);
  }

  find({ key }: SequenceStep): Sequence | undefined {
    return this.#open.get(key);
  }

  /** A new sequence, with the lowest slot that is free. */
  open(key: string): Sequence {
    const sequence = new Sequence(key);
    if (this.#open.size === 0) this.onUse(true);
    this.#open.set(key, sequence);
    this.#wait(sequence);
    return sequence;
  }

  /** It has a request again. */
  wake(sequence: Sequence): void {
    this.#quiet.delete(sequence);
  }

  /** It has no requests left. */
  rest(sequence: Sequence): void {
    if (this.#closing) {
      this.end(sequence);
      return;
    }
    sequence.quietSince = this.#wakeUp.now();
    this.#quiet.add(sequence);
    this.#wakeUp.at(sequence.quietSince + this.#limits.maxIdle);
  }

  /** Begins anew behind those that wait. */
  requeue(sequence: Sequence): void {
    this.#release(sequence);
    this.#wait(sequence);
  }

  end(sequence: Sequence): void {
    if (!this.#open.delete(sequence.key)) return;
    this.#quiet.delete(sequence);
    this.#backlog.delete(sequence);
    this.#release(sequence);
    if (this.#open.size > 0) return;
    this.#wakeUp.cancel();
    this.onUse(false);
  }

  /** From now on a sequence ends as soon as it has no requests. */
  close(): void {
    this.#closing = true;
    for (const sequence of this.#quiet) this.end(sequence);
  }

  /** Ends what has had no requests for too long. */
  #expire(): void {
    if (!this.#wakeUp.takeDue()) return;
    const now = this.#wakeUp.now();
    const due = [...this.#quiet].filter(({ quietSince }) => quietSince + this.#limits.maxIdle <= now);
    for (const sequence of due) this.end(sequence);
    const [next] = this.#quiet;
    if (next !== undefined) this.#wakeUp.at(next.quietSince + this.#limits.maxIdle);
    if (due.length > 0) this.onIdleEnd();
  }

  #wait(sequence: Sequence): void {
    this.#backlog.add(sequence);
    this.#bind();
  }

  #bind(): void {
    for (const sequence of this.#backlog) {
      const slot = this.#free.pop();
      if (slot === undefined) return;
      sequence.slot = slot;
      this.#backlog.delete(sequence);
    }
  }

  #release(sequence: Sequence): void {
    const { slot } = sequence;
    if (slot === null) return;
    sequence.slot = null;
    const place = this.#free.findIndex((free) => free < slot);
    this.#free.splice(place === -1 ? this.#free.length : place, 0, slot);
    this.#bind();
  }
}
