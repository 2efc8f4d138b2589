import type { DetectionLayout } from '../core/inference.js';
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

/** What the configuration says of a detector's outputs. */
export interface DetectionSpec {
  /** Says how the outputs are laid out. */
  readonly task: string;
  /** Of the network input, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Network pixels per cell of each level; empty: those of the task. */
  readonly strides: readonly number[];
  /** For each level w0 h0 w1 h1 .. of its anchors, in network pixels; empty: those of the task. */
  readonly anchors: readonly (readonly number[])[];
  /** Points of each object; 0: those of the task. */
  readonly keyPoints: number;
  /** Scores are logits: they go through the logistic function. */
  readonly logits: boolean;
  /** Lines of the labels file; 0: there is none, and any number of classes fits. */
  readonly labels: number;
  readonly nmsRule: NmsOptions['rule'];
  /** Boxes suppress those of other classes too. */
  readonly classAgnostic: boolean;
  /** Most detections of a picture. */
  readonly maxDetections: number;
}

/** An output of the model, without the batch. */
export interface OutputShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface DetectionRequest {
  /** Network input to picture, row-major 2x3, applied to boxes and points. */
  readonly matrix: readonly number[];
  /** Only what scores more is told. */
  readonly scoreThreshold: number;
  /** 0 to 1. */
  readonly nmsThreshold: number;
  readonly maxDetections: number;
  /** Null: all classes. */
  readonly classIds: readonly number[] | null;
}

/** What a detector's outputs mean. */
export interface NativeDetections {
  /** Values of a row. */
  readonly columns: number;
  readonly layout: DetectionLayout;
  /**
   * Decodes picture `row` of a batch whose outputs, in the order of the model, are `outputs`. Writes rows to `out`, best
   * score first, in picture pixels and not clipped to the picture, and returns their number. Of the candidates above the
   * threshold the best 4096 compete; those with a value that is not finite are dropped. Where the matrix rotates, or the
   * box is turned, edges are those of the box around its mapped corners.
   */
  decode(outputs: readonly Float32Array[], row: number, request: DetectionRequest, out: Float32Array): number;
}

/** How the outputs of one picture lie on it. */
export interface GridOptions {
  /** Of the output: `planes` maps of `rows` x `columns`. */
  readonly planes: number;
  readonly rows: number;
  readonly columns: number;
  /** Network input to picture, row-major 2x3. */
  readonly matrix: readonly number[];
  /** Size of the network input in pixels. */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface ClassMapOptions extends GridOptions {
  /** Planes lie one after the other; else the scores of a cell do. */
  readonly planar: boolean;
  /** What turns scores into probabilities. */
  readonly activation: 'none' | 'softmax' | 'sigmoid';
  readonly probabilities: boolean;
}

export interface ClassMap {
  /** The class of each pixel, row after row. */
  readonly labels: Uint8Array;
  /** 255 times its probability; empty where not asked for. */
  readonly probabilities: Uint8Array;
  /** Pixels of each class. */
  readonly counts: Uint32Array;
}

export interface MaskOptions extends GridOptions {
  /** left top right bottom in picture pixels: nothing outside belongs to the object. */
  readonly box: readonly number[];
}

export interface HeatMapOptions {
  readonly points: number;
  readonly rows: number;
  readonly columns: number;
  /** Network pixels per cell. */
  readonly strideX: number;
  readonly strideY: number;
  /** A quarter of a cell towards the higher neighbour, or the cell as it is. */
  readonly refinement: 'none' | 'quarter';
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
   * Reads a detector's outputs. Throws an Error whose `code` is MODEL_INVALID, with the expected and the found shapes, when
   * they do not fit the task; and when the labels do not fit the classes.
   */
  openDetections(spec: DetectionSpec, outputs: readonly OutputShape[]): NativeDetections;

  /**
   * Non-maximum suppression over rows [left top right bottom score class]. Returns the indices of the rows that stay,
   * best score first; equal scores keep the order of the input, and the earlier of them suppresses the later. A row goes
   * when its intersection over union with a better row of its class is above the threshold: with any better row under
   * `fast`, with one that stays under `greedy`. Rows with a value that is not finite are dropped. Time is quadratic in the
   * number of rows.
   */
  nms(boxes: Float32Array, options: NmsOptions): Uint32Array;

  /**
   * The class of every pixel of a picture, from the cell that it lies in: of equal scores the first class. A single plane
   * tells class 1 from class 0, at a probability of one half.
   */
  decodeClassMap(scores: Float32Array, options: ClassMapOptions): ClassMap;

  /**
   * The mask of one object as COCO's run lengths (columns one after the other, in turn outside and inside): where the
   * prototypes mixed by the coefficients and interpolated between cells are above 0, within the box.
   */
  decodeMask(prototypes: Float32Array, coefficients: Float32Array, options: MaskOptions): Uint32Array;

  /** Run lengths as a byte for each pixel, row after row: 255 inside, 0 outside. */
  fillMask(runs: Uint32Array, width: number, height: number): Uint8Array;

  /**
   * The highest cell of each heat map [points, rows, columns], the first of equal ones: x y score in network pixels. A map
   * without a number has a score that is not one.
   */
  findHeatPeaks(maps: Float32Array, options: HeatMapOptions): Float32Array;

  /**
   * A pose as a row of detections: `box`, the mean score, class 0, then x y score of each point in the picture. `points`
   * are x y score in network pixels, `matrix` leads to the picture; a point that is not finite is told as 0 0 0.
   */
  writePose(points: Float32Array, matrix: readonly number[], box: Float32Array): Float32Array;

  /**
   * Scales each of the `rows` rows of `values` to unit length, in place; a row of zeros stays, and so does one with a
   * value that is not finite.
   */
  l2Normalize(values: Float32Array, rows: number): void;

  /**
   * Turns the `rows` rows of `values`, the scores of classes, into probabilities, in place; in double precision. softmax:
   * those of a row add up to 1. sigmoid: each for itself. Where a row has NaN, softmax makes all of it NaN.
   */
  activate(values: Float32Array, rows: number, activation: 'softmax' | 'sigmoid'): void;

  /**
   * One vector a text from those of its tokens: `values` has [tokens.length, length, D] of them, `out` room for
   * [tokens.length, D]. cls: the first token's. mean: the mean of the first `tokens[row]`, 1 to `length`, summed in their
   * order in double precision.
   */
  poolTokens(
    values: Float32Array,
    length: number,
    tokens: Int32Array,
    pooling: 'cls' | 'mean',
    out: Float32Array,
  ): void;

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
