import { ServingError } from '../core/errors.js';
import type { Region as CoreRegion } from '../core/picture.js';
import type { Region } from '../gen/sluice/v1/inference.js';

/** Most regions of one frame. */
const MAX_REGIONS = 1024;

/** Coordinates are looked at when a region is sampled, so that a bad one fails alone. Throws INVALID_REQUEST. */
export function readRegions(regions: readonly Region[]): CoreRegion[] {
  if (regions.length > MAX_REGIONS) {
    throw new ServingError(
      'INVALID_REQUEST',
      `${regions.length} regions are more than ${MAX_REGIONS}; send the frame in parts`,
    );
  }
  return regions.map(readRegion);
}

function readRegion({ shape }: Region, index: number): CoreRegion {
  switch (shape?.$case) {
    case 'box':
      return { kind: 'box', ...shape.box };
    case 'landmarks': {
      const { leftEye, rightEye, nose, leftMouthCorner, rightMouthCorner } = shape.landmarks;
      const points = [leftEye, rightEye, nose, leftMouthCorner, rightMouthCorner].flatMap((point) => {
        if (point !== undefined) return [point.x, point.y];
        throw new ServingError('INVALID_REQUEST', `regions[${index}].landmarks lacks one of its five points`);
      });
      return { kind: 'landmarks', points };
    }
    case undefined:
      throw new ServingError('INVALID_REQUEST', `regions[${index}] has neither a box nor landmarks`);
  }
}
