import type { LiveTrack } from './live-track.js';
import { checkInputs } from './track-input-check.js';
import type { Track, TrackedFrame, Tracker, TrackInput } from './tracker.js';

export interface TrackListOptions {
  /** Most tracks that are kept. */
  readonly mostTracks: number;
  /** Frames that a track may go unseen; it is given up in the frame after. */
  readonly mostUnseen: number;
  /** Whether a detection may belong to a track of another class. */
  readonly classAgnostic: boolean;
}

/** What all trackers have in common: their tracks, from birth to the end. Subclasses decide who is who. */
export abstract class TrackList<Item extends LiveTrack> implements Tracker {
  /** Oldest first. */
  protected tracks: Item[] = [];
  /** Index of the frame at hand, or of the latest. */
  protected frame = 0;
  /** Frames since the start or the last reset, the one at hand included. */
  protected frames = 0;
  readonly #options: TrackListOptions;
  #lastId = 0;

  constructor(options: TrackListOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.tracks.length;
  }

  update(detections: readonly TrackInput[], { index, isNewScene = false }: TrackedFrame): (Track | null)[] {
    const isFirst = isNewScene || this.frames === 0;
    if (!Number.isSafeInteger(index)) throw new RangeError(`the index of a frame is ${index}, not a whole number`);
    if (!isFirst && index <= this.frame) throw new RangeError(`frame ${index} does not follow on ${this.frame}`);
    checkInputs(detections);
    this.check(detections, isFirst);
    if (isFirst) this.reset();
    const steps = isFirst ? 1 : index - this.frame;
    this.frame = index;
    this.frames += 1;
    // After frames that nobody looked at, some are past the frame in which they could last have been found.
    this.keep((track) => this.unseen(track) <= this.#options.mostUnseen + 1);
    for (const track of this.tracks) {
      for (let step = 0; step < steps; step++) track.predict();
    }
    const owners = this.associate(detections);
    return owners.map((track) => (track?.confirmed === true ? track.snapshot(index) : null));
  }

  coasting(): Track[] {
    return this.tracks.filter((track) => this.unseen(track) > 0).map((track) => track.snapshot(this.frame));
  }

  reset(): void {
    this.tracks = [];
    this.frames = 0;
  }

  /** Throws INVALID_REQUEST where a detection lacks what this tracker needs. Changes no track, even if they will go. */
  protected check(_detections: readonly TrackInput[], _isFirst: boolean): void {}

  /** Finds the track of each detection, all tracks being predicted, and begins and ends tracks. */
  protected abstract associate(detections: readonly TrackInput[]): (Item | null)[];

  /** Frames since the track was seen. */
  protected unseen(track: Item): number {
    return this.frame - track.seenAt;
  }

  /** Whether a track that was not found in this frame may still be found in the next. */
  protected isYoungEnough(track: Item): boolean {
    return this.unseen(track) <= this.#options.mostUnseen;
  }

  protected keep(isKept: (track: Item) => boolean): void {
    if (!this.tracks.every(isKept)) this.tracks = this.tracks.filter(isKept);
  }

  /** Detections and tracks of different kinds have nothing to do with one another. */
  protected kindOf({ classId }: { readonly classId: number }): number {
    return this.#options.classAgnostic ? 0 : classId;
  }

  /**
   * Begins a track, with the next id. Where there are as many as may be kept, the one that has gone unseen for longest
   * has to make room; where all are in the frame, there is no new one: null.
   */
  protected begin(create: (id: number) => Item): Item | null {
    if (this.tracks.length >= this.#options.mostTracks && !this.#makeRoom()) return null;
    this.#lastId += 1;
    const track = create(this.#lastId);
    this.tracks.push(track);
    return track;
  }

  #makeRoom(): boolean {
    let longest = -1;
    for (const [at, track] of this.tracks.entries()) {
      if (longest < 0 || track.seenAt < this.tracks[longest]!.seenAt) longest = at;
    }
    if (this.unseen(this.tracks[longest]!) === 0) return false;
    this.tracks.splice(longest, 1);
    return true;
  }
}
