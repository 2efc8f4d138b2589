import { ServingError } from '../errors.js';
import { dot } from './feature-bucket.js';
import type { TrackBox, TrackInput } from './tracker.js';

/** Far beyond any picture, and small enough for its powers to be finite in a filter. */
const MOST_COORDINATE = 1e7;

/** How far the squared length of a feature may be from 1: half precision leaves about a thousandth. */
const LENGTH_TOLERANCE = 0.02;

/** Throws INVALID_REQUEST where a number of a detection is not finite or out of range. */
export function checkInputs(detections: readonly TrackInput[]): void {
  for (const [index, { box, score, classId }] of detections.entries()) {
    if (!isInRange(box)) {
      refuse(index, `its box [${textOf(box)}] has to be finite and within ±${MOST_COORDINATE} pixels`);
    }
    if (!(score >= 0 && score <= 1)) refuse(index, `its score is ${score}, not 0 to 1`);
    if (!Number.isSafeInteger(classId)) refuse(index, `its class is ${classId}, not a whole number`);
  }
}

/**
 * Throws INVALID_REQUEST where a feature is not a unit vector, or has another length than the rest and `known`, that of
 * the tracks; 0: there is none yet. Returns the length, 0 where there are no features.
 */
export function checkFeatures(detections: readonly TrackInput[], known: number): number {
  let length = known;
  for (const [index, { feature }] of detections.entries()) {
    if (feature === undefined) continue;
    if (length === 0) length = feature.length;
    if (feature.length !== length) {
      refuse(index, `its feature has ${feature.length} values and others of the stream have ${length}`);
    }
    const squared = dot(feature, feature, 0, length);
    if (!(Math.abs(squared - 1) <= LENGTH_TOLERANCE)) {
      refuse(index, `its feature has the length ${Math.sqrt(squared).toPrecision(3)}; normalise features to length 1`);
    }
  }
  return length;
}

/** Whether the box has an area: others cannot be followed. */
export function hasArea({ left, top, right, bottom }: TrackBox): boolean {
  return left < right && top < bottom;
}

function isInRange({ left, top, right, bottom }: TrackBox): boolean {
  // NaN fails every comparison.
  return [left, top, right, bottom].every((value) => Math.abs(value) <= MOST_COORDINATE);
}

function textOf({ left, top, right, bottom }: TrackBox): string {
  return [left, top, right, bottom].join(', ');
}

function refuse(index: number, why: string): never {
  throw new ServingError('INVALID_REQUEST', `detection ${index} cannot be tracked: ${why}`);
}
