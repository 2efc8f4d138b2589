import { AxisFilter } from './axis-filter.js';
import type { TrackBox, TrackVelocity } from './tracker.js';

/** A box as the filter measures it: centre, width over height, and height, in pixels. */
export interface BoxMeasurement {
  readonly x: number;
  readonly y: number;
  readonly aspect: number;
  /** Above 0. */
  readonly height: number;
}

/**
 * Standard deviations in the order centre x, centre y, aspect, height, then their velocities. All but those of the aspect
 * are shares of the box's height.
 */
export interface BoxNoise {
  /** What is not known of a new track: 8 values. */
  readonly initial: readonly number[];
  /** What a frame adds: 8 values. */
  readonly motion: readonly number[];
  /** Of a measurement: 4 values. */
  readonly measurement: readonly number[];
}

/** The noise of the filter of DeepSORT's authors, which ByteTrack took over. */
export const STANDARD_NOISE: BoxNoise = {
  initial: [2 / 20, 2 / 20, 1e-2, 2 / 20, 10 / 160, 10 / 160, 1e-5, 10 / 160],
  motion: [1 / 20, 1 / 20, 1e-2, 1 / 20, 1 / 160, 1 / 160, 1e-5, 1 / 160],
  measurement: [1 / 20, 1 / 20, 1e-1, 1 / 20],
};

const square = (value: number) => value * value;

/** Kalman filter of a box that moves and grows at constant velocity. */
export class BoxFilter {
  readonly #noise: BoxNoise;
  readonly #x: AxisFilter;
  readonly #y: AxisFilter;
  readonly #aspect: AxisFilter;
  readonly #height: AxisFilter;

  constructor({ x, y, aspect, height }: BoxMeasurement, noise: BoxNoise) {
    const [px, py, pa, ph, vx, vy, va, vh] = noise.initial as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.#noise = noise;
    this.#x = new AxisFilter(x, square(px * height), square(vx * height));
    this.#y = new AxisFilter(y, square(py * height), square(vy * height));
    this.#aspect = new AxisFilter(aspect, square(pa), square(va));
    this.#height = new AxisFilter(height, square(ph * height), square(vh * height));
  }

  get velocity(): TrackVelocity {
    return { x: this.#x.velocity, y: this.#y.velocity };
  }

  /** The box in pixels. One that has shrunk to nothing has no area. */
  get box(): TrackBox {
    const height = Math.max(0, this.#height.position);
    const width = Math.max(0, this.#aspect.position * height);
    const left = this.#x.position - width / 2;
    const top = this.#y.position - height / 2;
    return { left, top, right: left + width, bottom: top + height };
  }

  /** Moves on by a frame. */
  predict(): void {
    const { motion } = this.#noise;
    const height = this.#height.position;
    this.#x.predict(square(motion[0]! * height), square(motion[4]! * height));
    this.#y.predict(square(motion[1]! * height), square(motion[5]! * height));
    this.#aspect.predict(square(motion[2]!), square(motion[6]!));
    this.#height.predict(square(motion[3]! * height), square(motion[7]! * height));
  }

  /** Lets the box keep its height from now on. */
  stopGrowing(): void {
    this.#height.velocity = 0;
  }

  update({ x, y, aspect, height }: BoxMeasurement): void {
    const { measurement } = this.#noise;
    const predicted = this.#height.position;
    this.#x.update(x, square(measurement[0]! * predicted));
    this.#y.update(y, square(measurement[1]! * predicted));
    this.#aspect.update(aspect, square(measurement[2]!));
    this.#height.update(height, square(measurement[3]! * predicted));
  }

  /**
   * Writes what `squaredDistance` reads: of x, y, aspect and height the predicted value and 1 over the variance with
   * which it would be measured. 8 values from `offset` on.
   */
  writeGate(gates: Float64Array, offset: number): void {
    const { measurement } = this.#noise;
    const height = this.#height.position;
    const axes = [this.#x, this.#y, this.#aspect, this.#height];
    for (let axis = 0; axis < 4; axis++) {
      const { position, positionVariance } = axes[axis]!;
      const deviation = axis === 2 ? measurement[axis]! : measurement[axis]! * height;
      gates[offset + 2 * axis] = position;
      gates[offset + 2 * axis + 1] = 1 / (positionVariance + square(deviation));
    }
  }
}

/** Squared Mahalanobis distance of a measurement from a prediction; the first parts of it where they are over `most`. */
export function squaredDistance(gates: Float64Array, offset: number, measured: BoxMeasurement, most: number): number {
  const x = measured.x - gates[offset]!;
  const byX = x * x * gates[offset + 1]!;
  if (byX > most) return byX;
  const y = measured.y - gates[offset + 2]!;
  const byCentre = byX + y * y * gates[offset + 3]!;
  if (byCentre > most) return byCentre;
  const aspect = measured.aspect - gates[offset + 4]!;
  const height = measured.height - gates[offset + 6]!;
  return byCentre + aspect * aspect * gates[offset + 5]! + height * height * gates[offset + 7]!;
}
