import { ServingError } from '../core/errors.js';
import type { Region } from '../core/picture.js';
import type { NativeAddon, SourceWindow } from './native.js';

/** Row-major 2x3 affine map between pixel grids whose centres lie at integers. */
export type Affine = readonly [number, number, number, number, number, number];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How one row of the input tensor is sampled from a picture. */
export interface Sampling {
  /** Network input to picture. */
  readonly toPicture: Affine;
  /** The part of the picture that counts; null: all of it. */
  readonly window: SourceWindow | null;
  readonly border: 'constant' | 'replicate';
}

export type ResizeMode = 'letterbox' | 'stretch';

/** The whole picture, brought to the network's size. */
export function samplePicture(picture: Size, input: Size, resize: ResizeMode): Sampling {
  return sampleBox({ left: 0, top: 0, right: picture.width, bottom: picture.height }, picture, input, resize);
}

/**
 * A region of a picture, brought to the network's size. Throws BAD_REGION when the region cannot be sampled and
 * TASK_NOT_SUPPORTED when it is given as landmarks but the model has no alignment template.
 */
export function sampleRegion(
  region: Region,
  picture: Size,
  input: Size,
  resize: ResizeMode,
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
    return { toPicture: alignLandmarks(region.points, alignment, native), window: null, border: 'constant' };
  }
  const { left, top, right, bottom } = region;
  if (!(right > left && bottom > top)) {
    throw new ServingError(
      'BAD_REGION',
      `box (${left}, ${top})-(${right}, ${bottom}) is empty; left must be less than right and top less than bottom`,
    );
  }
  requireOverlap(left, top, right, bottom, picture, 'the box');
  const box = {
    left: Math.max(0, left),
    top: Math.max(0, top),
    right: Math.min(picture.width, right),
    bottom: Math.min(picture.height, bottom),
  };
  return sampleBox(box, picture, input, resize);
}

/** The same map for a picture that was decoded at another size. */
export function atDecodedSize(toPicture: Affine, picture: Size, decoded: Size): Affine {
  const sx = decoded.width / picture.width;
  const sy = decoded.height / picture.height;
  if (sx === 1 && sy === 1) return toPicture;
  const [a, b, c, d, e, f] = toPicture;
  return [a * sx, b * sx, (c + 0.5) * sx - 0.5, d * sy, e * sy, (f + 0.5) * sy - 0.5];
}

/** `box` lies inside the picture. */
function sampleBox(box: SourceWindow, picture: Size, input: Size, resize: ResizeMode): Sampling {
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  let scaleX = width / input.width;
  let scaleY = height / input.height;
  if (resize === 'letterbox') scaleX = scaleY = Math.max(scaleX, scaleY);
  // Centre on centre: the input's middle, (n - 1) / 2, falls on the middle of the box.
  const toPicture: Affine = [
    scaleX,
    0,
    box.left + (width - 1) / 2 - (scaleX * (input.width - 1)) / 2,
    0,
    scaleY,
    box.top + (height - 1) / 2 - (scaleY * (input.height - 1)) / 2,
  ];
  const whole = width === picture.width && height === picture.height;
  const window = whole
    ? null
    : {
        left: Math.floor(box.left),
        top: Math.floor(box.top),
        right: Math.ceil(box.right),
        bottom: Math.ceil(box.bottom),
      };
  return { toPicture, window, border: resize === 'letterbox' ? 'constant' : 'replicate' };
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
