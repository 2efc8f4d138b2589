import type { Clock, Timer } from '../../server/core/clock.js';

interface Pending {
  readonly at: number;
  /** Asked for less than a millisecond ahead: Clock lets it fire on the next turn of the event loop. */
  readonly soon: boolean;
  readonly callback: () => void;
}

export interface FakeClockOptions {
  /** The longest delay that a timer can take, as setTimeout has one: a longer one is cut to it. */
  readonly longestDelay?: number;
}

/** A clock moved by hand. It does not start at 0: nothing may rely on that. */
export class FakeClock implements Clock {
  readonly #longestDelay: number;
  readonly #timers = new Set<Pending>();
  #now = 5_000_000;
  #soon: (() => void)[] = [];

  constructor({ longestDelay = Infinity }: FakeClockOptions = {}) {
    this.#longestDelay = longestDelay;
  }

  now(): number {
    return this.#now;
  }

  schedule(delay: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.min(delay, this.#longestDelay), soon: delay < 1000, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
    queueMicrotask(() => this.allRead());
  }

  /** Calls at once what waits for all that arrives to be read; else the next microtask does. */
  allRead(): void {
    for (const callback of this.#soon.splice(0)) callback();
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Lets `microseconds` pass; each timer that comes due fires at its time. */
  advance(microseconds: number): void {
    const end = this.#now + microseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#fire(next);
    }
    this.#now = end;
  }

  /** Lets time pass without firing anything, as a blocked event loop does. */
  stall(microseconds: number): void {
    this.#now += microseconds;
  }

  /** The next turn of the event loop: timers of less than a millisecond fire, though no time has passed. */
  turn(): void {
    for (const timer of [...this.#timers].filter(({ soon }) => soon)) this.#fire(timer);
  }

  #next(end: number): Pending | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }

  #fire(timer: Pending): void {
    if (this.#timers.delete(timer)) timer.callback();
  }
}
