import { AxisFilter } from './axis-filter.js';
import type { TrackBox, TrackVelocity } from './tracker.js';

/** Variances, in powers of pixels. Of the area and the aspect they are the same numbers whatever the box's size. */
const INITIAL = 10;
const INITIAL_VELOCITY = 1e4;
const MOTION = 1;
const CENTRE_VELOCITY_MOTION = 1e-2;
const AREA_VELOCITY_MOTION = 1e-4;
const CENTRE_MEASUREMENT = 1;
const SHAPE_MEASUREMENT = 10;

/** The Kalman filter of SORT: centre and area of a box change at constant velocity, its aspect stays. */
export class ObservationFilter {
  readonly #x: AxisFilter;
  readonly #y: AxisFilter;
  readonly #area: AxisFilter;
  /** Width over height. */
  readonly #aspect: AxisFilter;

  /** `box` has an area. */
  constructor(box: TrackBox) {
    const { x, y, area, aspect } = measure(box);
    this.#x = new AxisFilter(x, INITIAL, INITIAL_VELOCITY);
    this.#y = new AxisFilter(y, INITIAL, INITIAL_VELOCITY);
    this.#area = new AxisFilter(area, INITIAL, INITIAL_VELOCITY);
    this.#aspect = new AxisFilter(aspect, INITIAL, 0);
  }

  get velocity(): TrackVelocity {
    return { x: this.#x.velocity, y: this.#y.velocity };
  }

  get box(): TrackBox {
    const width = Math.sqrt(this.#area.position * this.#aspect.position);
    const height = this.#area.position / width;
    const left = this.#x.position - width / 2;
    const top = this.#y.position - height / 2;
    return { left, top, right: left + width, bottom: top + height };
  }

  /** Moves on by a frame. A box that would shrink to nothing keeps its area. */
  predict(): void {
    if (this.#area.position + this.#area.velocity <= 0) this.#area.velocity = 0;
    this.#x.predict(MOTION, CENTRE_VELOCITY_MOTION);
    this.#y.predict(MOTION, CENTRE_VELOCITY_MOTION);
    this.#area.predict(MOTION, AREA_VELOCITY_MOTION);
    this.#aspect.predict(MOTION, 0);
  }

  update(box: TrackBox): void {
    const { x, y, area, aspect } = measure(box);
    this.#x.update(x, CENTRE_MEASUREMENT);
    this.#y.update(y, CENTRE_MEASUREMENT);
    this.#area.update(area, SHAPE_MEASUREMENT);
    this.#aspect.update(aspect, SHAPE_MEASUREMENT);
  }

  copy(other: ObservationFilter): void {
    this.#x.copy(other.#x);
    this.#y.copy(other.#y);
    this.#area.copy(other.#area);
    this.#aspect.copy(other.#aspect);
  }
}

function measure({ left, top, right, bottom }: TrackBox) {
  const [width, height] = [right - left, bottom - top];
  return { x: left + width / 2, y: top + height / 2, area: width * height, aspect: width / height };
}
