import type { Track, TrackBox, TrackInput, TrackVelocity } from './tracker.js';

/** A track while it is followed: what all trackers keep of one. */
export abstract class LiveTrack {
  readonly id: number;
  confirmed = false;
  hits = 1;
  classId: number;
  score: number;
  /** Index of the frame in which it was first seen. */
  readonly bornAt: number;
  /** Index of the frame in which it was last seen. */
  seenAt: number;

  constructor(id: number, { classId, score }: TrackInput, frame: number) {
    this.id = id;
    this.classId = classId;
    this.score = score;
    this.bornAt = frame;
    this.seenAt = frame;
  }

  /** Where the object is believed to be. */
  protected abstract readonly box: TrackBox;
  protected abstract readonly velocity: TrackVelocity;

  /** Moves on by a frame. */
  abstract predict(): void;

  /** Counts a sighting; a tracker's own tracks take in the box as well. */
  see({ classId, score }: TrackInput, frame: number): void {
    this.hits += 1;
    this.classId = classId;
    this.score = score;
    this.seenAt = frame;
  }

  /** What it is after a frame. */
  snapshot(frame: number): Track {
    return {
      id: this.id,
      classId: this.classId,
      state: this.confirmed ? 'confirmed' : 'tentative',
      box: this.box,
      score: this.score,
      age: frame - this.bornAt + 1,
      hits: this.hits,
      framesSinceUpdate: frame - this.seenAt,
      velocity: this.hits > 1 ? this.velocity : null,
    };
  }
}
