import { ServingError } from '../core/errors.js';
import type { Region } from '../core/picture.js';
import { cropAround, type CropRule } from './crop-rules.js';
import type { Affine, Box, Size } from './geometry.js';
import type { NativeAddon, PixelRect } from './native.js';
import { fitBox, type Fit, type ResizeMode } from './resize-modes.js';

export type { Affine, Size } from './geometry.js';

/** How one row of the input tensor is sampled from a picture. */
export interface Sampling extends Fit {
  /** The part of the picture that counts; null: all of it. */
  readonly window: PixelRect | null;
}

/** What a configuration says about it. */
export interface SamplingRules {
  readonly resize: ResizeMode;
  readonly crop: CropRule;
}

/** The whole picture, brought to the network's size. Where boxes are enlarged, the picture is a box like others. */
export function samplePicture(picture: Size, input: Size, rules: SamplingRules): Sampling {
  return sampleBox({ left: 0, top: 0, right: picture.width, bottom: picture.height }, picture, input, rules);
}

/**
 * A region of a picture, brought to the network's size. Throws BAD_REGION when the region cannot be sampled and
 * TASK_NOT_SUPPORTED when it is given as landmarks but the model has no alignment template.
 */
export function sampleRegion(
  region: Region,
  picture: Size,
  input: Size,
  rules: SamplingRules,
  alignment: Float32Array | null,
  native: NativeAddon,
): Sampling {
  requireFinite(region);
  if (region.kind === 'landmarks') {
    if (alignment === null) {
      throw new ServingError(
        'TASK_NOT_SUPPORTED',
        'the model has no alignment template for landmarks; send boxes, or set preprocess.alignment in its config.yaml',
      );
    }
    const [x0, x1] = [minimum(region.points, 0), maximum(region.points, 0)];
    const [y0, y1] = [minimum(region.points, 1), maximum(region.points, 1)];
    requireOverlap(x0, y0, x1, y1, picture, 'the landmarks');
    const toPicture = alignLandmarks(region.points, alignment, native);
    return { toPicture, window: null, border: 'constant', area: null };
  }
  const { left, top, right, bottom } = region;
  if (!(right > left && bottom > top)) {
    throw new ServingError(
      'BAD_REGION',
      `box (${left}, ${top})-(${right}, ${bottom}) is empty; left must be less than right and top less than bottom`,
    );
  }
  requireOverlap(left, top, right, bottom, picture, 'the box');
  return sampleBox({ left, top, right, bottom }, picture, input, rules);
}

/** The same map for a picture that was decoded at another size. */
export function atDecodedSize(toPicture: Affine, picture: Size, decoded: Size): Affine {
  const sx = decoded.width / picture.width;
  const sy = decoded.height / picture.height;
  if (sx === 1 && sy === 1) return toPicture;
  const [a, b, c, d, e, f] = toPicture;
  return [a * sx, b * sx, (c + 0.5) * sx - 0.5, d * sy, e * sy, (f + 0.5) * sy - 0.5];
}

function sampleBox(box: Box, picture: Size, input: Size, { resize, crop }: SamplingRules): Sampling {
  // What surrounds the box is part of the crop.
  if (crop.rule !== 'none') return { ...fitBox(cropAround(box, input, crop), input, resize), window: null };
  const inside = {
    left: Math.max(0, box.left),
    top: Math.max(0, box.top),
    right: Math.min(picture.width, box.right),
    bottom: Math.min(picture.height, box.bottom),
  };
  const whole = inside.right - inside.left === picture.width && inside.bottom - inside.top === picture.height;
  const window = whole
    ? null
    : {
        left: Math.floor(inside.left),
        top: Math.floor(inside.top),
        right: Math.ceil(inside.right),
        bottom: Math.ceil(inside.bottom),
      };
  return { ...fitBox(inside, input, resize), window };
}

function alignLandmarks(points: readonly number[], alignment: Float32Array, native: NativeAddon): Affine {
  try {
    const [a, b, c, d, e, f] = native.alignFivePoints(Float32Array.from(points), alignment);
    return [a, b, c, d, e, f] as Affine;
  } catch (cause) {
    throw new ServingError('BAD_REGION', 'the landmarks do not span a face: they lie on one point', { cause });
  }
}

function requireFinite(region: Region): void {
  const values = region.kind === 'landmarks' ? region.points : [region.left, region.top, region.right, region.bottom];
  if (values.every(Number.isFinite)) return;
  throw new ServingError(
    'BAD_REGION',
    `a ${region.kind} region has coordinates that are not finite: ${values.join(', ')}`,
  );
}

function requireOverlap(left: number, top: number, right: number, bottom: number, picture: Size, what: string): void {
  if (left < picture.width && top < picture.height && right > 0 && bottom > 0) return;
  throw new ServingError(
    'BAD_REGION',
    `${what} (${left}, ${top})-(${right}, ${bottom}) is outside the picture of ${picture.width}x${picture.height}`,
  );
}

function minimum(points: readonly number[], axis: 0 | 1): number {
  return Math.min(...points.filter((_, index) => index % 2 === axis));
}

function maximum(points: readonly number[], axis: 0 | 1): number {
  return Math.max(...points.filter((_, index) => index % 2 === axis));
}
