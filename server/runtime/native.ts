import { loadAddon } from './native-file.js';

/**
 * The one door to the native addon. Names, order and fields mirror native/src/addon/addon.cc, so that both can be read
 * side by side. Every call is synchronous and meant for a worker thread. Arguments are checked natively; a misuse throws
 * a TypeError or RangeError that names the argument.
 */

/** Pixels in memory. For `nv12`, luma rows are followed by interleaved chroma rows of the same stride. */
export interface PixelView {
  readonly data: Uint8Array;
  readonly format: 'rgb8' | 'bgr8' | 'gray8' | 'nv12';
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
}

/** How warped pixels become tensor values: (value * scale - mean[c]) / std[c], c counted after the channel order. */
export interface Normalization {
  /** `gray` is one channel, of which the first mean and std count. */
  readonly color: 'rgb' | 'bgr' | 'gray';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A rectangle in whole pixels, right and bottom exclusive. */
export interface PixelRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface WarpOptions {
  /** Destination to source, row-major 2x3: [sx, sy] = M * [dx, dy, 1], pixel centres at integers. */
  readonly matrix: readonly number[];
  /** Size of the destination in pixels. */
  readonly width: number;
  readonly height: number;
  /** Outside the window: `constant` takes `pad`, `replicate` the nearest pixel of the window. */
  readonly border: 'constant' | 'replicate';
  /** Grey level 0 to 255. */
  readonly pad: number;
  /** Part of the source that counts; null: all of it. */
  readonly window: PixelRect | null;
  /** Part of the destination that is sampled, the rest being `pad`; null: all of it. */
  readonly area: PixelRect | null;
  /**
   * Writes the planes as YOLO's Focus layer makes them, four groups of half the width and height: column x and row y go to
   * group 2 * (x % 2) + y % 2. Width and height have to be even.
   */
  readonly focus: boolean;
  readonly normalization: Normalization;
  /** Threads to share the rows among, the calling one included. */
  readonly threads: number;
}

export interface NmsOptions {
  readonly rule: 'fast' | 'greedy';
  readonly iouThreshold: number;
}

export interface CenterFaceOptions {
  /** Cells of the maps: network input / 4. */
  readonly columns: number;
  readonly rows: number;
  readonly scoreThreshold: number;
  readonly nms: NmsOptions;
  readonly maxDetections: number;
  /** Network input to picture, row-major 2x3, applied to boxes and landmarks. */
  readonly matrix: readonly number[];
}

export interface NativeInfo {
  readonly version: string;
  readonly compiler: string;
}

export interface NativeAddon {
  /** Version of the addon and what it was built with. */
  info(): NativeInfo;

  /**
   * One pass: affine warp (bilinear, rounded to whole grey levels), channel order and normalisation, from interleaved or
   * NV12 pixels to three float planes (CHW), or one of grey. Writes channels * height * width floats from `out[offset]`.
   * NV12 is BT.601 limited range, and gives what converting the picture to whole RGB levels first would give; gray8 fills
   * three equal channels.
   * The result is the same for every number of threads.
   */
  warpNormalize(source: PixelView, options: WarpOptions, out: Float32Array, offset: number): void;

  /**
   * Decodes one picture's CenterFace maps: `heat` [rows, columns], `scale` [2, rows, columns] (log height, log width),
   * `offset` [2, rows, columns] (y, x), `landmarks` [10, rows, columns] (y0, x0, .., y4, x4 relative to the box).
   * Writes rows of 15 floats to `out`: left top right bottom score x0 y0 .. x4 y4, best score first, in picture
   * pixels and not clipped to the picture. Returns the number of rows, at most `maxDetections`. Of the cells above the
   * threshold the best 4096 compete; those with a value that is not finite are dropped. Where the matrix rotates, a box is
   * the one around its mapped corners.
   */
  decodeCenterFace(
    heat: Float32Array,
    scale: Float32Array,
    offset: Float32Array,
    landmarks: Float32Array,
    options: CenterFaceOptions,
    out: Float32Array,
  ): number;

  /**
   * Non-maximum suppression over rows [left top right bottom score class]. Returns the indices of the rows that stay,
   * best score first; equal scores keep the order of the input, and the earlier of them suppresses the later. A row goes
   * when its intersection over union with a better row of its class is above the threshold: with any better row under
   * `fast`, with one that stays under `greedy`. Rows with a value that is not finite are dropped. Time is quadratic in the
   * number of rows.
   */
  nms(boxes: Float32Array, options: NmsOptions): Uint32Array;

  /**
   * Scales each of the `rows` rows of `values` to unit length, in place; a row of zeros stays, and so does one with a
   * value that is not finite.
   */
  l2Normalize(values: Float32Array, rows: number): void;

  /**
   * Least-squares similarity (rotation, uniform scale, translation; no reflection) from five landmarks to a template,
   * both x0 y0 .. x4 y4. Returns the row-major 2x3 matrix from template pixels to picture pixels. Throws a RangeError when
   * the points determine none: all on one point, or not finite.
   */
  alignFivePoints(landmarks: Float32Array, template: Float32Array): Float64Array;

  /** Ends the process at once, whatever its threads do; `process.exit` would wait for those inside native code. */
  exit(code: number): never;
}

/**
 * Loads the addon. Each thread calls this once for itself; the process holds one copy of the code. Throws one error that
 * lists what was tried and says what to run.
 */
export function loadNative(): NativeAddon {
  return loadAddon<NativeAddon>('sluice');
}
