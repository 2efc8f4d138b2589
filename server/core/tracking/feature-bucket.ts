/** A feature of a detection: a vector, and what brings it to unit length. */
export interface Look {
  readonly values: Float32Array;
  /** 1 over the vector's length. */
  readonly scale: number;
}

/** What rounding may add to a cosine that was bounded by way of angles. */
const SLACK = 2e-3;

/** While it has no more features than this, the pivot is made anew whenever their number has doubled. */
const SETTLED = 32;

/**
 * The latest features of one track, as unit vectors. Takes memory for as many as it has met.
 *
 * The angles between the features and a pivot, their mean direction at some time, tell how near another vector can be to
 * any of them once its own angle to the pivot is known: that saves most comparisons with all of them.
 */
export class FeatureBucket {
  readonly #most: number;
  readonly #length: number;
  /** Adding features of that number modulo `most` makes the pivot anew. */
  readonly #phase: number;
  #values: Float32Array;
  /** Of each feature to the pivot, in radians. */
  #angles = new Float64Array(1);
  readonly #pivot: Float32Array;
  #narrowest = 0;
  #widest = 0;
  #count = 0;
  /** How many have been added. */
  #added = 0;

  /**
   * `most`: features that are kept, at least 1; a newer one takes the place of the oldest. `phase` spreads the tracks
   * that have been there from the same frame on over the frames in which they look for a new pivot.
   */
  constructor(most: number, look: Look, phase: number) {
    this.#most = most;
    this.#length = look.values.length;
    this.#phase = phase % most;
    this.#values = new Float32Array(this.#length);
    this.#pivot = new Float32Array(this.#length);
    this.add(look);
  }

  get count(): number {
    return this.#count;
  }

  add({ values, scale }: Look): void {
    const slot = this.#added % this.#most;
    if (slot >= this.#angles.length) this.#grow();
    const start = slot * this.#length;
    for (let i = 0; i < this.#length; i++) this.#values[start + i] = values[i]! * scale;
    this.#added += 1;
    this.#count = Math.min(this.#added, this.#most);
    const doubled = this.#added <= SETTLED && (this.#added & (this.#added - 1)) === 0;
    if (doubled || this.#added % this.#most === this.#phase) this.#turnPivot();
    else this.#angles[slot] = angleOf(dot(this.#pivot, this.#values, start, this.#length));
    this.#measureAngles();
  }

  /** The largest cosine between a feature and one of these. */
  similarity(look: Look): number {
    return this.#best(look, Infinity);
  }

  /** Whether `1 - similarity` is below `distance`. Most often the newest feature settles it. */
  isWithin(distance: number, look: Look): boolean {
    return 1 - this.#best(look, 1 - distance) < distance;
  }

  /** The similarity is at least that of the newest. */
  leastSimilarity(look: Look): number {
    return this.#cosine((this.#added - 1) % this.#most, look);
  }

  /** The similarity is at most this. */
  mostSimilarity(look: Look): number {
    const angle = this.#toPivot(look);
    return Math.cos(Math.max(0, this.#narrowest - angle, angle - this.#widest)) + SLACK;
  }

  /** The largest cosine, or the first one above `enough`, newest first. */
  #best(look: Look, enough: number): number {
    let best = this.leastSimilarity(look);
    if (best > enough || this.#count === 1) return best;
    const angle = this.#toPivot(look);
    for (let back = 2; back <= this.#count && !(best > enough); back++) {
      const slot = (this.#added - back) % this.#most;
      if (Math.cos(angle - this.#angles[slot]!) + SLACK <= best) continue;
      best = Math.max(best, this.#cosine(slot, look));
    }
    return best;
  }

  #cosine(slot: number, { values, scale }: Look): number {
    return scale * dot(values, this.#values, slot * this.#length, this.#length);
  }

  #toPivot({ values, scale }: Look): number {
    return angleOf(scale * dot(values, this.#pivot, 0, this.#length));
  }

  /** Brings the pivot to the mean direction of the features, and measures all angles again. */
  #turnPivot(): void {
    const [pivot, values, length] = [this.#pivot, this.#values, this.#length];
    pivot.fill(0);
    for (let slot = 0; slot < this.#count; slot++) {
      const start = slot * length;
      for (let i = 0; i < length; i++) pivot[i]! += values[start + i]!;
    }
    const size = Math.sqrt(dot(pivot, pivot, 0, length));
    // Features that cancel out have no mean direction; any other will do.
    if (size > 1e-3) for (let i = 0; i < length; i++) pivot[i]! /= size;
    else pivot.set(values.subarray(0, length));
    for (let slot = 0; slot < this.#count; slot++) {
      this.#angles[slot] = angleOf(dot(pivot, values, slot * length, length));
    }
  }

  #measureAngles(): void {
    let [narrowest, widest] = [Infinity, 0];
    for (let slot = 0; slot < this.#count; slot++) {
      const angle = this.#angles[slot]!;
      if (angle < narrowest) narrowest = angle;
      if (angle > widest) widest = angle;
    }
    this.#narrowest = narrowest;
    this.#widest = widest;
  }

  #grow(): void {
    const room = Math.min(2 * this.#angles.length, this.#most);
    const [values, angles] = [new Float32Array(room * this.#length), new Float64Array(room)];
    values.set(this.#values);
    angles.set(this.#angles);
    [this.#values, this.#angles] = [values, angles];
  }
}

function angleOf(cosine: number): number {
  return Math.acos(Math.min(1, Math.max(-1, cosine)));
}

/** Of `one` and the `length` values of `other` from `start` on. */
export function dot(one: Float32Array, other: Float32Array, start: number, length: number): number {
  const whole = length - (length % 4);
  // Four sums: each addition need not wait for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    const at = start + i;
    a += one[i]! * other[at]!;
    b += one[i + 1]! * other[at + 1]!;
    c += one[i + 2]! * other[at + 2]!;
    d += one[i + 3]! * other[at + 3]!;
  }
  for (let i = whole; i < length; i++) a += one[i]! * other[start + i]!;
  return a + b + (c + d);
}
