/** The latest features of one track: unit vectors of the same length. Takes memory for as many as it has met. */
export class FeatureBucket {
  readonly #most: number;
  readonly #length: number;
  #values: Float32Array;
  #count = 0;
  /** Where the next one goes. */
  #next = 0;

  /** `most`: features that are kept, at least 1; a newer one takes the place of the oldest. */
  constructor(most: number, feature: Float32Array) {
    this.#most = most;
    this.#length = feature.length;
    this.#values = new Float32Array(feature.length);
    this.add(feature);
  }

  get count(): number {
    return this.#count;
  }

  add(feature: Float32Array): void {
    const end = (this.#next + 1) * this.#length;
    if (end > this.#values.length) {
      const values = new Float32Array(Math.min(2 * this.#values.length, this.#most * this.#length));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values.set(feature, this.#next * this.#length);
    this.#count = Math.max(this.#count, this.#next + 1);
    this.#next = (this.#next + 1) % this.#most;
  }

  /** The largest cosine between the feature and one of these. */
  similarity(feature: Float32Array): number {
    let best = -Infinity;
    for (let at = 0; at < this.#count; at++) best = Math.max(best, this.#cosine(at, feature));
    return best;
  }

  /** Whether `1 - similarity(feature)` is below `distance`. Newest first: most often the first one settles it. */
  isWithin(distance: number, feature: Float32Array): boolean {
    for (let back = 1; back <= this.#count; back++) {
      const at = (this.#next - back + this.#count) % this.#count;
      if (1 - this.#cosine(at, feature) < distance) return true;
    }
    return false;
  }

  #cosine(at: number, feature: Float32Array): number {
    const length = this.#length;
    const values = this.#values;
    const start = at * length;
    const whole = length - (length % 4);
    // Four sums: each addition need not wait for the one before.
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < whole; i += 4) {
      const from = start + i;
      a += feature[i]! * values[from]!;
      b += feature[i + 1]! * values[from + 1]!;
      c += feature[i + 2]! * values[from + 2]!;
      d += feature[i + 3]! * values[from + 3]!;
    }
    for (let i = whole; i < length; i++) a += feature[i]! * values[start + i]!;
    return a + b + (c + d);
  }
}
