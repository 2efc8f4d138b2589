import type { TrackerConfig } from '../tracking-config.js';
import { Assignment } from './assignment.js';
import { BoxFilter, STANDARD_NOISE, type BoxMeasurement } from './box-filter.js';
import { BoxTable } from './box-table.js';
import { LiveTrack } from './live-track.js';
import { hasArea } from './track-input-check.js';
import { TrackList } from './track-list.js';
import type { TrackBox, TrackInput, TrackVelocity } from './tracker.js';

/** A detection and its place among those of the frame. */
interface Candidate {
  readonly index: number;
  readonly input: TrackInput;
}

class ByteTrackTrack extends LiveTrack {
  readonly filter: BoxFilter;
  /** Confirmed, but not seen in the latest frame. */
  isLost = false;

  constructor(id: number, input: TrackInput, frame: number) {
    super(id, input, frame);
    this.filter = new BoxFilter(measure(input), STANDARD_NOISE);
  }

  override get box(): TrackBox {
    return this.filter.box;
  }

  override get velocity(): TrackVelocity {
    return this.filter.velocity;
  }

  override predict(): void {
    if (this.isLost) this.filter.stopGrowing();
    this.filter.predict();
  }

  override see(input: TrackInput, frame: number): void {
    super.see(input, frame);
    this.filter.update(measure(input));
    this.confirmed = true;
    this.isLost = false;
  }
}

function measure({ box: { left, top, right, bottom } }: TrackInput): BoxMeasurement {
  const height = bottom - top;
  return { x: (left + right) / 2, y: (top + bottom) / 2, aspect: (right - left) / height, height };
}

/**
 * ByteTrack: detections of high score choose among all confirmed tracks by the overlap with their predictions, weighted
 * with the score; those of low score among the confirmed tracks that were seen in the frame before and are left, by the
 * overlap alone; what is left of the high ones among the tentative tracks, which were born in the frame before and end
 * if they are not found. What is left then and has a high enough score begins a tentative track, or in the first frame
 * a confirmed one. Confirmed tracks that are not found are lost: they keep their height, are looked for during
 * `track_buffer`, and end when they come to lie on a track in sight, unless that is younger, which then ends instead.
 *
 * The edges of boxes count as pixels of theirs where overlaps are measured. Two points are the paper's rather than its
 * authors' program's: tentative tracks are predicted like others, and a score of exactly `high_threshold` counts as low
 * instead of as nothing.
 */
export class ByteTrack extends TrackList<ByteTrackTrack> {
  readonly #config: TrackerConfig['bytetrack'];
  readonly #assignment = new Assignment();
  readonly #trackBoxes = new BoxTable(1);
  readonly #otherBoxes = new BoxTable(1);

  constructor({ bytetrack, frame_rate, max_tracks, class_agnostic }: TrackerConfig) {
    super({
      mostTracks: max_tracks,
      mostUnseen: Math.floor((frame_rate / 30) * bytetrack.track_buffer),
      classAgnostic: class_agnostic,
    });
    this.#config = bytetrack;
  }

  protected override associate(detections: readonly TrackInput[]): (ByteTrackTrack | null)[] {
    const { high_threshold: high, low_threshold: low } = this.#config;
    const owners = Array.from<ByteTrackTrack | null>({ length: detections.length }).fill(null);
    const all = detections.map((input, index) => ({ index, input })).filter(({ input }) => hasArea(input.box));
    const highOnes = all.filter(({ input: { score } }) => score > high);
    const lowOnes = all.filter(({ input: { score } }) => score > low && score <= high);
    const confirmed = this.tracks.filter((track) => track.confirmed);
    const tentative = this.tracks.filter((track) => !track.confirmed);

    this.#match(confirmed, highOnes, this.#config.match_threshold, true, owners);
    const inSight = confirmed.filter((track) => !track.isLost && this.unseen(track) > 0);
    this.#match(inSight, lowOnes, this.#config.second_match_threshold, false, owners);
    const left = highOnes.filter(({ index }) => owners[index] === null);
    this.#match(tentative, left, this.#config.unconfirmed_match_threshold, true, owners);

    for (const track of confirmed) track.isLost = this.unseen(track) > 0;
    this.keep((track) => track.confirmed && this.isYoungEnough(track));
    for (const { index, input } of left) {
      if (owners[index] !== null || input.score < this.#config.new_track_threshold) continue;
      const track = this.begin((id) => new ByteTrackTrack(id, input, this.frame));
      if (track !== null) track.confirmed = this.frames === 1;
      owners[index] = track;
    }
    const ended = this.#endDuplicates();
    return ended.size === 0 ? owners : owners.map((track) => (track !== null && ended.has(track) ? null : track));
  }

  /** Assigns tracks and detections, and shows the tracks what was found. */
  #match(
    tracks: readonly ByteTrackTrack[],
    candidates: readonly Candidate[],
    threshold: number,
    isScoreFused: boolean,
    owners: (ByteTrackTrack | null)[],
  ): void {
    if (tracks.length === 0 || candidates.length === 0) return;
    this.#trackBoxes.fill(
      tracks,
      ({ box }) => box,
      (track) => this.kindOf(track),
    );
    this.#otherBoxes.fill(
      candidates,
      ({ input }) => input.box,
      ({ input }) => this.kindOf(input),
    );
    this.#assignment.begin(tracks.length, candidates.length);
    this.#trackBoxes.compare(this.#otherBoxes, (row, column, overlap) => {
      const cost = 1 - (isScoreFused ? overlap * candidates[column]!.input.score : overlap);
      if (cost < threshold) this.#assignment.add(row, column, cost);
    });
    this.#assignment.solve(threshold);
    for (const [row, track] of tracks.entries()) {
      const candidate = candidates[this.#assignment.columnOf[row]!];
      if (candidate === undefined) continue;
      track.see(candidate.input, this.frame);
      owners[candidate.index] = track;
    }
  }

  /** Of a lost track and one in sight at the same place, the one that was followed for longer stays. Tells who ended. */
  #endDuplicates(): Set<ByteTrackTrack> {
    const ended = new Set<ByteTrackTrack>();
    const lost = this.tracks.filter(({ isLost }) => isLost);
    if (lost.length === 0) return ended;
    const inSight = this.tracks.filter(({ isLost }) => !isLost);
    this.#trackBoxes.fill(
      inSight,
      ({ box }) => box,
      (track) => this.kindOf(track),
    );
    this.#otherBoxes.fill(
      lost,
      ({ box }) => box,
      (track) => this.kindOf(track),
    );
    const followed = (track: ByteTrackTrack) => track.seenAt - track.bornAt;
    this.#trackBoxes.compare(this.#otherBoxes, (row, column, overlap) => {
      if (1 - overlap >= this.#config.duplicate_threshold) return;
      const [seen, unseen] = [inSight[row]!, lost[column]!];
      ended.add(followed(seen) > followed(unseen) ? unseen : seen);
    });
    if (ended.size > 0) this.keep((track) => !ended.has(track));
    return ended;
  }
}
