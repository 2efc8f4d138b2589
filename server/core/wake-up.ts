import type { Clock, Timer } from './clock.js';

/** One timer for all who wait: it fires at the earliest time asked for, and whoever needs a later one asks again. */
export class WakeUp {
  readonly #clock: Clock;
  readonly #onWake: () => void;
  #timer: Timer | null = null;
  #at = Infinity;
  /** The time for which the timer last fired. */
  #woken = 0;

  constructor(clock: Clock, onWake: () => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  /** A timer may fire up to a millisecond early; what it was set for counts as reached all the same. */
  now(): number {
    return Math.max(this.#clock.now(), this.#woken);
  }

  at(at: number): void {
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.schedule(at - this.#clock.now(), () => {
      const now = this.#clock.now();
      // A timer of many days fires long before its time, and only has to be set anew.
      this.#woken = at - now <= 1000 ? at : now;
      this.#at = this.#woken;
      this.#onWake();
    });
  }

  /** Whether the earliest time asked for has come; then none is asked for any more. */
  takeDue(): boolean {
    if (this.now() < this.#at) return false;
    this.cancel();
    return true;
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#at = Infinity;
  }
}
