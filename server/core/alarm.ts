import type { Clock, Timer } from './clock.js';

/** One timer for many times: it fires at the earliest that was asked for, and whoever needs a later one asks again. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | null = null;
  #at = Infinity;
  /** The time for which it last fired. */
  #rung = 0;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Whether the earliest time that was asked for has come. */
  get due(): boolean {
    return this.now() >= this.#at;
  }

  /** A timer may fire up to a millisecond early; what it was set for counts as reached all the same. */
  now(): number {
    return Math.max(this.#clock.now(), this.#rung);
  }

  set(at: number): void {
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.schedule(at - this.#clock.now(), () => {
      const now = this.#clock.now();
      // A timer of many days fires long before its time, and only has to be set anew.
      this.#rung = at - now <= 1000 ? at : now;
      this.#at = this.#rung;
      this.#ring();
    });
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#at = Infinity;
  }
}
