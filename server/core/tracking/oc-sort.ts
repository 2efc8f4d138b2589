import type { TrackerConfig } from '../tracking-config.js';
import { Assignment } from './assignment.js';
import { BoxTable } from './box-table.js';
import { LiveTrack } from './live-track.js';
import { ObservationFilter } from './observation-filter.js';
import { hasArea } from './track-input-check.js';
import { TrackList } from './track-list.js';
import type { TrackBox, TrackInput, TrackVelocity } from './tracker.js';

/** Keeps directions finite where nothing moved; in pixels. */
const STILL = 1e-6;

/** A detection and its place among those of the frame. */
interface Candidate {
  readonly index: number;
  readonly input: TrackInput;
}

interface Observation {
  readonly frame: number;
  readonly box: TrackBox;
}

/** Of unit length, or 0 where nothing moved. */
interface Direction {
  readonly x: number;
  readonly y: number;
}

class OcSortTrack extends LiveTrack {
  readonly #filter: ObservationFilter;
  /** What the filter was when the object was last seen. */
  readonly #whenSeen: ObservationFilter;
  readonly #deltaT: number;
  /** The latest observation, and those before that are no more than `deltaT` frames older; oldest first. */
  #observations: Observation[];
  /** Direction in which it went up to the latest observation; null: seen only once. */
  direction: Direction | null = null;
  /** Frames in a row in which it has been seen, without the first one. */
  streak = 0;

  constructor(id: number, input: TrackInput, frame: number, deltaT: number) {
    super(id, input, frame);
    this.#filter = new ObservationFilter(input.box);
    this.#whenSeen = new ObservationFilter(input.box);
    this.#deltaT = deltaT;
    this.#observations = [{ frame, box: input.box }];
  }

  override get box(): TrackBox {
    return this.#filter.box;
  }

  override get velocity(): TrackVelocity {
    return this.#filter.velocity;
  }

  get lastBox(): TrackBox {
    return this.#observations.at(-1)!.box;
  }

  override predict(): void {
    this.#filter.predict();
  }

  /** The direction to a box, from the observation `deltaT` frames ago, or the next one after, or the latest. */
  directionTo(box: TrackBox, frame: number): Direction {
    const from = this.#observations.find((seen) => frame - seen.frame <= this.#deltaT) ?? this.#observations.at(-1)!;
    const x = (box.left + box.right - from.box.left - from.box.right) / 2;
    const y = (box.top + box.bottom - from.box.top - from.box.bottom) / 2;
    const length = Math.sqrt(x * x + y * y) + STILL;
    return { x: x / length, y: y / length };
  }

  override see(input: TrackInput, frame: number): void {
    this.direction = this.directionTo(input.box, frame);
    if (frame - this.seenAt > 1) this.#followAgain(input.box, frame);
    this.#filter.update(input.box);
    this.#whenSeen.copy(this.#filter);
    const kept = this.#observations.filter((seen) => frame - seen.frame < this.#deltaT);
    this.#observations = [...kept, { frame, box: input.box }];
    this.streak += 1;
    super.see(input, frame);
  }

  /** Predicts anew the frames without an observation, as if the object had gone straight to where it is found now. */
  #followAgain(found: TrackBox, frame: number): void {
    const left = this.lastBox;
    const steps = frame - this.seenAt;
    this.#filter.copy(this.#whenSeen);
    for (let step = 1; step < steps; step++) {
      this.#filter.predict();
      this.#filter.update(between(left, found, step / steps));
    }
    this.#filter.predict();
  }
}

function between(from: TrackBox, to: TrackBox, share: number): TrackBox {
  const at = (start: number, end: number) => start + (end - start) * share;
  return {
    left: at(from.left, to.left),
    top: at(from.top, to.top),
    right: at(from.right, to.right),
    bottom: at(from.bottom, to.bottom),
  };
}

/**
 * OC-SORT: SORT that trusts what was seen more than what was predicted. Pairs are valued by the overlap with the
 * prediction and by how well the way to the detection goes on in the direction of the track (its momentum). What is left
 * is compared with where the other tracks were last seen (recovery). A track that is found again after a gap has the gap
 * filled: its filter goes back to the last observation and follows a straight line to the new one (re-update).
 *
 * A track is confirmed by `min_hits` frames in a row after its first, and at once in the first `min_hits` frames of a
 * stream. It differs from the program of the paper's authors in these points: once confirmed, a track stays so, instead
 * of being withheld after each gap until it has been seen for long enough again; pairs below `iou_threshold` have no say
 * in the assignment, instead of being assigned first and thrown away after; the first detection of a track is an
 * observation like the rest; and the one that ends a gap is taken in once, not twice.
 */
export class OcSort extends TrackList<OcSortTrack> {
  readonly #config: TrackerConfig['ocsort'];
  readonly #assignment = new Assignment();
  readonly #trackBoxes = new BoxTable(0);
  readonly #otherBoxes = new BoxTable(0);

  constructor({ ocsort, max_tracks, class_agnostic }: TrackerConfig) {
    super({ mostTracks: max_tracks, mostUnseen: ocsort.max_age, classAgnostic: class_agnostic });
    this.#config = ocsort;
  }

  protected override associate(detections: readonly TrackInput[]): (OcSortTrack | null)[] {
    const { score_threshold: least, min_hits: minHits, delta_t: deltaT } = this.#config;
    const owners = Array.from<OcSortTrack | null>({ length: detections.length }).fill(null);
    const candidates = detections
      .map((input, index) => ({ index, input }))
      .filter(({ input: { box, score } }) => score > least && hasArea(box));
    this.#match(this.tracks, candidates, ({ box }) => box, this.#config.inertia, owners);
    const lost = this.tracks.filter((track) => this.unseen(track) > 0);
    const left = candidates.filter(({ index }) => owners[index] === null);
    this.#match(lost, left, ({ lastBox }) => lastBox, 0, owners);

    for (const track of this.tracks) if (this.unseen(track) > 0) track.streak = 0;
    this.keep((track) => this.isYoungEnough(track));
    for (const { index, input } of left) {
      owners[index] ??= this.begin((id) => new OcSortTrack(id, input, this.frame, deltaT));
    }
    const isStart = this.frames <= minHits;
    for (const track of owners) if (track !== null && (isStart || track.streak >= minHits)) track.confirmed = true;
    return owners;
  }

  /** Assigns tracks, by one of their boxes, and detections, and shows the tracks what was found. */
  #match(
    tracks: readonly OcSortTrack[],
    candidates: readonly Candidate[],
    boxOf: (track: OcSortTrack) => TrackBox,
    inertia: number,
    owners: (OcSortTrack | null)[],
  ): void {
    if (tracks.length === 0 || candidates.length === 0) return;
    this.#trackBoxes.fill(tracks, boxOf, (track) => this.kindOf(track));
    this.#otherBoxes.fill(
      candidates,
      ({ input }) => input.box,
      ({ input }) => this.kindOf(input),
    );
    this.#assignment.begin(tracks.length, candidates.length);
    this.#trackBoxes.compare(this.#otherBoxes, (row, column, overlap) => {
      if (overlap < this.#config.iou_threshold) return;
      const momentum = inertia === 0 ? 0 : inertia * this.#agreement(tracks[row]!, candidates[column]!.input);
      this.#assignment.add(row, column, -(overlap + momentum));
    });
    this.#assignment.solve(0);
    for (const [row, track] of tracks.entries()) {
      const candidate = candidates[this.#assignment.columnOf[row]!];
      if (candidate === undefined) continue;
      track.see(candidate.input, this.frame);
      owners[candidate.index] = track;
    }
  }

  /** How well a detection lies in the direction of a track, times its score: -0.5 (behind) to 0.5 (straight ahead). */
  #agreement(track: OcSortTrack, { box, score }: TrackInput): number {
    if (track.direction === null) return 0;
    const to = track.directionTo(box, this.frame);
    const cosine = track.direction.x * to.x + track.direction.y * to.y;
    const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
    return (score * (Math.PI / 2 - angle)) / Math.PI;
  }
}
