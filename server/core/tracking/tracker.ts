/** Edges in pixels. */
export interface TrackBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A detection as trackers take it. */
export interface TrackInput {
  /** Finite, and no coordinate beyond 10^7. Where it has no area, the detection is not tracked. */
  readonly box: TrackBox;
  /** 0 to 1. */
  readonly score: number;
  readonly classId: number;
  /** What the object looks like: a vector of unit length, as long as those of the stream's other detections. */
  readonly feature?: Float32Array | undefined;
}

/** Pixels a frame. */
export interface TrackVelocity {
  readonly x: number;
  readonly y: number;
}

/** What a tracker knew of an object after a frame. It does not change with later frames. */
export interface Track {
  /** From 1. Never given to another object of the stream. */
  readonly id: number;
  /** Of the latest detection. */
  readonly classId: number;
  /** tentative: not seen often enough yet to be believed. */
  readonly state: 'tentative' | 'confirmed';
  /** Where the tracker believes the object to be: filtered where it was seen, predicted where it was not. */
  readonly box: TrackBox;
  /** Of the latest detection. */
  readonly score: number;
  /** Frames since it was first seen, that one included: 1 for a new track. */
  readonly age: number;
  /** Frames in which it was seen, at least 1. */
  readonly hits: number;
  /** 0: seen in this frame. */
  readonly framesSinceUpdate: number;
  /** Of the box's centre; null while the object has been seen only once. */
  readonly velocity: TrackVelocity | null;
}

/** When a frame was taken, on the tracker's own scale. */
export interface TrackedFrame {
  /**
   * Number of the frame where frames come at the configured rate: a whole number, higher than that of the frame before.
   * Numbers that are left out are frames that nobody looked at: tracks move on and grow older by them.
   */
  readonly index: number;
  /** Whether the tracks before it are forgotten, as by `reset`; its number need not be higher then. Default: false. */
  readonly isNewScene?: boolean;
}

/** Follows the objects of one stream from frame to frame. */
export interface Tracker {
  /**
   * Takes the detections of the next frame. Answers for each with its track, or null where it has none that is confirmed.
   * Throws INVALID_REQUEST where a detection cannot be used (see TrackInput); the tracks are then as they were before.
   */
  update(detections: readonly TrackInput[], frame: TrackedFrame): (Track | null)[];
  /** The tracks that were not seen in the latest frame and are still looked for, by id. */
  coasting(): Track[];
  /** How many tracks are kept: seen, coasting and tentative ones. */
  readonly size: number;
  /** Forgets all tracks. Ids go on counting. */
  reset(): void;
}
