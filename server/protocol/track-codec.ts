import type { Track, TrackInput } from '../core/tracking/tracker.js';
import type { Timestamp } from '../gen/google/protobuf/timestamp.js';
import { TrackState, type Detection, type Track as TrackMessage } from '../gen/sluice/v1/inference.js';

/** What a tracker needs of a detection. */
export function readTrackInput({ box, score, classId, embedding }: Detection): TrackInput {
  const { left, top, right, bottom } = box ?? { left: 0, top: 0, right: 0, bottom: 0 };
  return { box: { left, top, right, bottom }, score, classId, feature: featureOf(embedding?.values ?? []) };
}

/** The embedding at unit length, which embedders may leave to others; none where it has no direction. */
function featureOf(values: readonly number[]): Float32Array | undefined {
  const length = Math.hypot(...values);
  if (!(length > 0 && length < Infinity)) return undefined;
  return Float32Array.from(values, (value) => value / length);
}

/** Microseconds since 1970; null: the frame does not say. */
export function readCaptureTime(time: Timestamp | undefined): number | null {
  return time === undefined ? null : time.seconds * 1e6 + Math.floor(time.nanos / 1e3);
}

export function writeTrack({ id, state, age, hits, framesSinceUpdate, box }: Track): TrackMessage {
  return {
    id,
    state: state === 'confirmed' ? TrackState.TRACK_STATE_CONFIRMED : TrackState.TRACK_STATE_TENTATIVE,
    age,
    hits,
    framesSinceSeen: framesSinceUpdate,
    predictedBox: box,
  };
}
