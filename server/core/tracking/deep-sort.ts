import { deepSortSettings, type DeepSortSettings, type TrackerConfig } from '../tracking-config.js';
import { Assignment } from './assignment.js';
import { BoxFilter, squaredDistance, type BoxMeasurement, type BoxNoise } from './box-filter.js';
import { dot, FeatureBucket, type Look } from './feature-bucket.js';
import type { Prices } from './linked-assignment.js';
import { LiveTrack } from './live-track.js';
import { checkFeatures } from './track-input-check.js';
import { TrackList } from './track-list.js';
import type { TrackBox, TrackInput, TrackVelocity } from './tracker.js';

/** Squared Mahalanobis distance that 95% of right measurements stay below: chi squared with four degrees of freedom. */
const GATE = 9.4877;

/** Cost of a pair beyond the gate. */
const GATED = 1e5;

/** Values of a track's gate. */
const GATE_VALUES = 8;

/** Neighbouring ids get phases far from one another, whatever the number of buckets. */
const PHASE = 61;

class DeepSortTrack extends LiveTrack {
  readonly filter: BoxFilter;
  readonly features: FeatureBucket | null;
  /** Centre of the box in which it was last seen. */
  lastX: number;
  lastY: number;

  /** `features`: how many it remembers. */
  constructor(
    id: number,
    { input, measured, x, y, look }: Candidate,
    noise: BoxNoise,
    features: number,
    frame: number,
  ) {
    super(id, input, frame);
    this.filter = new BoxFilter(measured, noise);
    this.features = look === null ? null : new FeatureBucket(features, look, id * PHASE);
    this.lastX = x;
    this.lastY = y;
  }

  override get box(): TrackBox {
    return this.filter.box;
  }

  override get velocity(): TrackVelocity {
    return this.filter.velocity;
  }

  override predict(): void {
    this.filter.predict();
  }

  take({ input, measured, x, y, look }: Candidate, frame: number): void {
    super.see(input, frame);
    this.filter.update(measured);
    if (look !== null) this.features?.add(look);
    this.lastX = x;
    this.lastY = y;
  }
}

/** A detection that can be tracked. */
interface Candidate {
  /** Place among the detections of the frame. */
  readonly index: number;
  readonly input: TrackInput;
  readonly kind: number;
  readonly measured: BoxMeasurement;
  /** Centre of the box, not rounded. */
  readonly x: number;
  readonly y: number;
  /** Null where features are not used. */
  readonly look: Look | null;
}

/**
 * DeepSORT as the seed library has it.
 *
 * A Kalman filter follows centre, aspect and height of each box; it is given whole pixels, cut off and not rounded. In
 * each frame confirmed tracks choose first, then tentative ones, and among them those that were seen last: a level for
 * each number of frames since, up to `max_age`. A level is an optimal assignment. Pairs beyond the gate (see GATE) cost
 * 1e5, others 1 - the best cosine with the track's latest features, or without features the distance in pixels from
 * where the track was last seen. A pair that costs `distance_threshold` or more is none. What is left of the detections
 * begins tentative tracks, which are confirmed at their `nhit`th sighting and end with the first frame without one.
 *
 * It differs from that library in these points: classes are kept apart; with `nhit` 1 a track is confirmed at once, not
 * in the frame after; a detection without a feature is left alone where features are used, instead of switching them off
 * for a track for good; there is no list of earlier boxes, which was empty with its default of no buckets; distances are
 * divided by the factor of the covariance from the side that the formula says, which is the same as long as coordinates
 * are independent. From the paper both differ in that there is no stage that compares overlaps of tentative tracks.
 */
export class DeepSort extends TrackList<DeepSortTrack> {
  readonly #settings: DeepSortSettings;
  readonly #noise: BoxNoise;
  readonly #assignment = new Assignment();
  #gates = new Float64Array(0);
  /** Values of a feature; 0: not known yet. */
  #featureLength = 0;

  constructor(config: TrackerConfig) {
    const settings = deepSortSettings(config.deepsort);
    super({
      mostTracks: config.max_tracks,
      mostUnseen: settings.max_age,
      classAgnostic: config.class_agnostic,
    });
    this.#settings = settings;
    const { initiate_state: initial, per_frame_motion: motion, noise: measurement } = settings;
    this.#noise = { initial, motion, measurement };
  }

  protected override check(detections: readonly TrackInput[], isFirst: boolean): void {
    if (!this.#settings.has_feature) return;
    this.#featureLength = checkFeatures(detections, isFirst || this.size === 0 ? 0 : this.#featureLength);
  }

  protected override associate(detections: readonly TrackInput[]): (DeepSortTrack | null)[] {
    const owners = Array.from<DeepSortTrack | null>({ length: detections.length }).fill(null);
    let open = this.#candidates(detections);
    for (const level of this.#levels()) {
      if (open.length === 0) break;
      if (this.#match(level, open, owners)) open = open.filter(({ index }) => owners[index] === null);
    }
    this.keep((track) => this.unseen(track) === 0 || (track.confirmed && this.isYoungEnough(track)));
    const { nbuckets, nhit } = this.#settings;
    for (const candidate of open) {
      const track = this.begin((id) => new DeepSortTrack(id, candidate, this.#noise, nbuckets, this.frame));
      if (track !== null) track.confirmed = nhit <= 1;
      owners[candidate.index] = track;
    }
    return owners;
  }

  /** The detections that can be tracked. */
  #candidates(detections: readonly TrackInput[]): Candidate[] {
    const candidates: Candidate[] = [];
    for (const [index, input] of detections.entries()) {
      const { left, top, right, bottom } = input.box;
      const [x, y, height] = [(left + right) / 2, (top + bottom) / 2, Math.trunc(bottom - top)];
      const look = this.#settings.has_feature ? lookOf(input) : null;
      if (height < 1 || left >= right || look === undefined) continue;
      const measured = { x: Math.trunc(x), y: Math.trunc(y), aspect: (right - left) / height, height };
      candidates.push({ index, input, kind: this.kindOf(input), measured, x, y, look });
    }
    return candidates;
  }

  /** The tracks in the order in which they may choose: those of a level at once. */
  #levels(): DeepSortTrack[][] {
    const levels: DeepSortTrack[][] = [];
    for (const confirmed of [true, false]) {
      const tracks = this.tracks.filter((track) => track.confirmed === confirmed && this.isYoungEnough(track));
      tracks.sort((one, other) => other.seenAt - one.seenAt);
      for (const track of tracks) {
        const level = levels.at(-1);
        const joins = level?.[0]!.seenAt === track.seenAt && level[0]!.confirmed === confirmed;
        if (joins) level!.push(track);
        else levels.push([track]);
      }
    }
    return levels;
  }

  /** Assigns the tracks of a level; whether any was found. */
  #match(level: readonly DeepSortTrack[], open: readonly Candidate[], owners: (DeepSortTrack | null)[]): boolean {
    const { has_feature: byFeature, distance_threshold: threshold } = this.#settings;
    this.#addPairs(level, open);
    this.#assignment.solve(GATED, byFeature ? pricesOf(level, open) : undefined);
    const { columnOf, costOf } = this.#assignment;
    let isAnyFound = false;
    for (const [row, track] of level.entries()) {
      const candidate = open[columnOf[row]!];
      if (candidate === undefined) continue;
      const isNear = Number.isNaN(costOf[row])
        ? track.features!.isWithin(threshold, candidate.look!)
        : costOf[row]! < threshold;
      if (!isNear) continue;
      track.take(candidate, this.frame);
      track.confirmed ||= track.hits >= this.#settings.nhit;
      owners[candidate.index] = track;
      isAnyFound = true;
    }
    return isAnyFound;
  }

  /** The pairs inside the gate; with features their prices are left open, since most are never needed. */
  #addPairs(level: readonly DeepSortTrack[], open: readonly Candidate[]): void {
    const byFeature = this.#settings.has_feature;
    if (this.#gates.length < level.length * GATE_VALUES) this.#gates = new Float64Array(2 * level.length * GATE_VALUES);
    this.#assignment.begin(level.length, open.length);
    for (const [row, track] of level.entries()) {
      const offset = row * GATE_VALUES;
      track.filter.writeGate(this.#gates, offset);
      const kind = this.kindOf(track);
      for (let column = 0; column < open.length; column++) {
        const { measured, x, y, kind: other } = open[column]!;
        if (other !== kind || squaredDistance(this.#gates, offset, measured, GATE) > GATE) continue;
        this.#assignment.add(row, column, byFeature ? NaN : Math.hypot(x - track.lastX, y - track.lastY));
      }
    }
  }
}

/** Undefined: the detection has no feature. */
function lookOf({ feature }: TrackInput): Look | undefined {
  if (feature === undefined) return undefined;
  return { values: feature, scale: 1 / Math.sqrt(dot(feature, feature, 0, feature.length)) };
}

/** Costs by features: 1 - the best cosine. */
function pricesOf(level: readonly DeepSortTrack[], open: readonly Candidate[]): Prices {
  return {
    least: (row, column) => 1 - level[row]!.features!.mostSimilarity(open[column]!.look!),
    most: (row, column) => 1 - level[row]!.features!.leastSimilarity(open[column]!.look!),
    exact: (row, column) => 1 - level[row]!.features!.similarity(open[column]!.look!),
  };
}
