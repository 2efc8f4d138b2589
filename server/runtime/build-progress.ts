/** Milliseconds between two lines of a log about one build. */
const BETWEEN_LINES = 5000;

/** Of a build that is logged each time it has come so much further. */
const STEP = 0.1;

/** How far a build is: told as it comes, never backwards, and now and then as a line for the log. */
export class BuildProgress {
  #fraction = 0;
  #phase = '';
  #logged = 0;
  #loggedAt: number;
  readonly #tell: (fraction: number, phase: string) => void;
  readonly #log: (line: string) => void;
  readonly #now: () => number;

  /** `now`: milliseconds. */
  constructor(
    tell: (fraction: number, phase: string) => void,
    log: (line: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#tell = tell;
    this.#log = log;
    this.#now = now;
    this.#loggedAt = now();
  }

  /** Takes what the builder says, which counts each of its phases anew. */
  update(fraction: number, phase: string): void {
    const before = this.#fraction;
    // Also false for what is not a number.
    if (fraction > before) this.#fraction = Math.min(1, fraction);
    if (this.#fraction === before && phase === this.#phase) return;
    this.#phase = phase;
    this.#tell(this.#fraction, phase);
    const now = this.#now();
    if (this.#fraction - this.#logged < STEP - 1e-9 || now - this.#loggedAt < BETWEEN_LINES) return;
    this.#logged = Math.floor(this.#fraction / STEP + 1e-9) * STEP;
    this.#loggedAt = now;
    this.#log(`${Math.floor(this.#fraction * 100)} %${phase === '' ? '' : `, ${phase}`}`);
  }
}
