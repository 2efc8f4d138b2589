import type { Attachment, TaskParameters } from '../../core/inference.js';
import type { RowShape } from '../frame-batch.js';
import type { OutputTensor } from '../onnx-session.js';
import type { Affine, Size } from '../sampling.js';

/** One row of a batch, as post-processing sees it. */
export interface BatchRow {
  /** Network input to picture. */
  readonly toPicture: Affine;
  /** As results are told in. */
  readonly picture: Size;
  readonly parameters: TaskParameters;
  /** The box that was asked for: left top right bottom in the picture. */
  readonly box: readonly [number, number, number, number];
  /** Of a text: how many of its row's tokens are no padding. */
  readonly tokens?: number;
}

/** The results of one row. */
export interface RowResult {
  /** A table of `columns` values in row-major order. */
  readonly table: Float32Array;
  /** As ResultTable.attachments. */
  readonly attachments?: readonly Attachment[];
}

/** What a model's output tensors mean. Worker thread only. */
export interface Task {
  /** Throws MODEL_INVALID, naming the expected and the found shapes, when the outputs of a run do not fit. */
  check(outputs: readonly OutputTensor[], rows: number): void;
  /** What a result consists of. */
  shape(outputs: readonly OutputTensor[]): RowShape;
  /** The results of each row. */
  postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]>;
}
