import { ServingError } from './errors.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';

/** How much there is of a resource, as the operator says. */
export interface ResourceLimit {
  readonly name: string;
  readonly count: number;
  /** As executors name it, `GPU 0`; null: of those that are everywhere, and on each device that is not named. */
  readonly device: string | null;
}

/** A version whose executions take resources. */
export interface Contender {
  /** Whether it could start an execution if it had its resources. */
  readonly able: () => boolean;
  /** Told that it may get its resources now. */
  readonly offer: () => void;
}

/**
 * Who may execute when: each execution takes its resources first, and gives them back. Of those who wait, the one goes
 * first that has had the least for its priority (start-time fair queueing, counted in executions); what it needs is kept
 * for it until it is all there, so that nobody who needs much waits for ever. It holds no requests: they wait in the
 * queues of their versions.
 */
export class RateLimiter {
  readonly #limits: readonly ResourceLimit[];
  readonly #members = new Set<Turn>();
  /** What is taken, by the key of the resource. */
  readonly #taken = new Map<string, number>();
  /** The place in line of the execution that started last. */
  #now = 0;
  #arrivals = 0;
  #offering = false;
  #changed = false;

  constructor(limits: readonly ResourceLimit[]) {
    this.#limits = limits;
  }

  /**
   * Lets a version take part whose instances are on `devices`. Throws MODEL_INVALID when it needs more than there is, or
   * shares a resource otherwise than others do.
   */
  join({ resources, priority }: RateLimiterConfig, devices: readonly string[], contender: Contender): Turn {
    const needs = new Map<string, number>();
    for (const { name, global, count } of resources) {
      const other = [...this.#members].find(({ globals }) => globals.get(name) === !global);
      if (other !== undefined) {
        throw new ServingError(
          'MODEL_INVALID',
          `resource ${name} is ${global ? 'global' : 'of each device'}, and not so in another model: agree on one`,
        );
      }
      for (const device of global ? [null] : new Set(devices)) {
        const limit = this.#limitOf(name, device);
        if (limit !== null && limit < count) {
          const place = device === null ? '' : ` on ${device}`;
          throw new ServingError(
            'MODEL_INVALID',
            `it takes ${count} of resource ${name}, and there are ${limit}${place}: raise --rate-limit-resource`,
          );
        }
        needs.set(keyOf(name, device), count);
      }
    }
    const globals = new Map(resources.map(({ name, global }) => [name, global]));
    const turn = new Turn(needs, globals, priority, contender, {
      free: (own) => this.#fitting(own),
      start: (own) => this.#start(own),
      end: (own) => this.#end(own),
      want: (own, wants) => this.#want(own, wants),
      leave: (own) => this.#leave(own),
    });
    this.#members.add(turn);
    return turn;
  }

  /** Executions that a version could start now, beside those that go before it. */
  #fitting(own: Turn): number {
    const place = own.wants ? own.place : this.#placeOf(own);
    const free = new Map<string, number>();
    for (const key of own.needs.keys()) free.set(key, this.#limitOfKey(key) - (this.#taken.get(key) ?? 0));
    for (const other of this.#members) {
      if (other === own || !other.wants || !other.contender.able()) continue;
      // Of two at one place, whoever is not in line yet comes last.
      const first = other.place < place || (other.place === place && (!own.wants || other.arrival < own.arrival));
      if (!first) continue;
      for (const [key, count] of other.needs) {
        if (free.has(key)) free.set(key, free.get(key)! - count);
      }
    }
    return Math.max(0, Math.min(...[...own.needs].map(([key, count]) => Math.floor(free.get(key)! / count))));
  }

  #placeOf({ finish }: Turn): number {
    return Math.max(this.#now, finish);
  }

  #start(own: Turn): void {
    for (const [key, count] of own.needs) this.#taken.set(key, (this.#taken.get(key) ?? 0) + count);
    const place = own.wants ? own.place : this.#placeOf(own);
    this.#now = Math.max(this.#now, place);
    own.finish = place + own.priority;
    // Its next execution is behind those that have had less.
    own.place = own.finish;
  }

  #end(own: Turn): void {
    for (const [key, count] of own.needs) this.#taken.set(key, this.#taken.get(key)! - count);
    this.#offer();
  }

  #want(own: Turn, wants: boolean): void {
    if (own.wants === wants) return;
    own.wants = wants;
    if (wants) {
      own.place = this.#placeOf(own);
      own.arrival = this.#arrivals++;
    } else this.#offer();
  }

  #leave(own: Turn): void {
    this.#members.delete(own);
    this.#offer();
  }

  /** Offers what is free to those who wait, in their order. */
  #offer(): void {
    this.#changed = true;
    if (this.#offering) return;
    this.#offering = true;
    while (this.#changed) {
      this.#changed = false;
      const waiting = [...this.#members].filter(({ wants }) => wants);
      waiting.sort((a, b) => a.place - b.place || a.arrival - b.arrival);
      for (const turn of waiting) if (turn.free > 0) turn.contender.offer();
    }
    this.#offering = false;
  }

  /** Null: nobody has said. */
  #limitOf(name: string, device: string | null): number | null {
    const own = this.#limits.find((limit) => limit.name === name && limit.device === device && device !== null);
    const all = this.#limits.find((limit) => limit.name === name && limit.device === null);
    return own?.count ?? all?.count ?? null;
  }

  /** Of what nobody has set, there is as much as the model takes that takes most. */
  #limitOfKey(key: string): number {
    const [name, device] = JSON.parse(key) as [string, string | null];
    return this.#limitOf(name, device) ?? Math.max(0, ...[...this.#members].map(({ needs }) => needs.get(key) ?? 0));
  }
}

/** Null: the one lot for all devices. */
function keyOf(name: string, device: string | null): string {
  return JSON.stringify([name, device]);
}

interface LimiterSide {
  readonly free: (own: Turn) => number;
  readonly start: (own: Turn) => void;
  readonly end: (own: Turn) => void;
  readonly want: (own: Turn, wants: boolean) => void;
  readonly leave: (own: Turn) => void;
}

/** The part that a version has in a RateLimiter. */
export class Turn implements Disposable {
  /** What an execution takes, by the key of the resource. */
  readonly needs: ReadonlyMap<string, number>;
  /** Whether each resource is one for all devices, by name. */
  readonly globals: ReadonlyMap<string, boolean>;
  readonly priority: number;
  readonly contender: Contender;
  /** Of the limiter: where in line it is while it waits, who came first of those at one place, and its next place. */
  wants = false;
  place = 0;
  arrival = Infinity;
  finish = 0;
  readonly #limiter: LimiterSide;

  constructor(
    needs: ReadonlyMap<string, number>,
    globals: ReadonlyMap<string, boolean>,
    priority: number,
    contender: Contender,
    limiter: LimiterSide,
  ) {
    this.needs = needs;
    this.globals = globals;
    this.priority = priority;
    this.contender = contender;
    this.#limiter = limiter;
  }

  /** Executions that may start now. */
  get free(): number {
    return this.#limiter.free(this);
  }

  /** Takes the resources of an execution; only while `free` is over 0. */
  start(): void {
    this.#limiter.start(this);
  }

  /** Gives them back. */
  end(): void {
    this.#limiter.end(this);
  }

  /** Whether it waits for its resources. */
  want(wants: boolean): void {
    this.#limiter.want(this, wants);
  }

  /** No longer takes part; what runs still has to end. */
  [Symbol.dispose](): void {
    this.#limiter.leave(this);
  }
}
