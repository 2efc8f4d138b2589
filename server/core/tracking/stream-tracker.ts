import type { Clock, Timer } from '../clock.js';
import { ServingError } from '../errors.js';
import type { TrackerConfig } from '../tracking-config.js';
import { createTracker } from './create-tracker.js';
import type { Track, Tracker, TrackInput } from './tracker.js';

/** Which frame of a stream its detections belong to. */
export interface StreamFrame {
  /** Place of the frame in its stream: frames without results count too. */
  readonly index: number;
  /** When it was taken, in microseconds; null: not known. */
  readonly captureTime: number | null;
}

/** A frame that was taken in, and where it stands on the tracker's scale. */
interface Position {
  readonly index: number;
  readonly step: number;
}

/**
 * The tracker of one stream. It turns times into frames of the configured rate, so that tracks move on by the time that
 * has passed and not by the frames that made it here; without times it goes by the frames' places in the stream. A
 * frame that is refused leaves everything as it was, and the stream goes on.
 */
export class StreamTracker implements Disposable {
  readonly #tracker: Tracker;
  readonly #clock: Clock;
  readonly #stepsPerMicrosecond: number;
  /** Microseconds. */
  readonly #idleTimeout: number;
  #latest: Position | null = null;
  /** The latest frame with a capture time. */
  #latestTimed: { readonly captureTime: number; readonly step: number } | null = null;
  /** By the clock. */
  #updatedAt = 0;
  #timer: Timer | null = null;

  constructor(config: TrackerConfig, clock: Clock) {
    this.#tracker = createTracker(config);
    this.#clock = clock;
    this.#stepsPerMicrosecond = config.frame_rate / 1e6;
    this.#idleTimeout = config.idle_timeout_milliseconds * 1000;
  }

  /** How many tracks are kept. */
  get size(): number {
    return this.#tracker.size;
  }

  /**
   * The confirmed track of each detection, or null. Throws INVALID_REQUEST for a frame that was taken, or comes, before
   * the one before it, and for detections that cannot be tracked.
   */
  update(detections: readonly TrackInput[], frame: StreamFrame): (Track | null)[] {
    this.#checkOrder(frame);
    const { captureTime, index } = frame;
    const isNewScene =
      captureTime !== null &&
      this.#latestTimed !== null &&
      captureTime - this.#latestTimed.captureTime > this.#idleTimeout;
    const step = this.#latest === null ? 0 : this.#latest.step + this.#stepsTo(frame, this.#latest);
    const tracks = this.#tracker.update(detections, { index: step, isNewScene });
    this.#latest = { index, step };
    if (captureTime !== null) this.#latestTimed = { captureTime, step };
    this.#updatedAt = this.#clock.now();
    this.#timer ??= this.#clock.schedule(this.#idleTimeout, () => this.#lookWhetherIdle());
    return tracks;
  }

  /** The tracks that were not seen in the latest frame and are still looked for. */
  coasting(): Track[] {
    return this.#tracker.coasting();
  }

  /** The stream has ended. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#forget();
  }

  #checkOrder({ index, captureTime }: StreamFrame): void {
    if (captureTime !== null && !Number.isSafeInteger(captureTime)) {
      throw new ServingError(
        'INVALID_REQUEST',
        `the capture time ${captureTime} is not a whole number of microseconds`,
      );
    }
    if (this.#latest !== null && index <= this.#latest.index) {
      throw new ServingError(
        'INVALID_REQUEST',
        `frame ${index} comes after frame ${this.#latest.index}; a tracker takes the frames of a stream in order`,
      );
    }
    if (captureTime === null || this.#latestTimed === null) return;
    const back = this.#latestTimed.captureTime - captureTime;
    if (back > 0) {
      throw new ServingError(
        'INVALID_REQUEST',
        `the frame was captured ${back / 1000} ms before the one before it; send the frames of a tracked stream in the ` +
          'order of their capture times, or open another stream where the clock has been set back',
      );
    }
  }

  /** How many frames of the configured rate have passed since the latest one, at least 1. */
  #stepsTo({ index, captureTime }: StreamFrame, latest: Position): number {
    if (captureTime === null || this.#latestTimed === null) return index - latest.index;
    const passed = Math.round((captureTime - this.#latestTimed.captureTime) * this.#stepsPerMicrosecond);
    return Math.max(1, passed - (latest.step - this.#latestTimed.step));
  }

  /** One timer at a time: where there was an update in the meantime, it is set anew. */
  #lookWhetherIdle(): void {
    this.#timer = null;
    const left = this.#idleTimeout - (this.#clock.now() - this.#updatedAt);
    if (left > 0) this.#timer = this.#clock.schedule(left, () => this.#lookWhetherIdle());
    else this.#forget();
  }

  #forget(): void {
    this.#timer = null;
    this.#tracker.reset();
    this.#latest = null;
    this.#latestTimed = null;
  }
}
