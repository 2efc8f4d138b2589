import type { DetectionLayout, TaskParameters } from '../../core/inference.js';
import type { OutputTensor } from '../onnx-session.js';
import type { Affine } from '../sampling.js';

/** One row of a batch, as post-processing sees it. */
export interface BatchRow {
  /** Network input to picture. */
  readonly toPicture: Affine;
  readonly parameters: TaskParameters;
  /** Of a text: how many of its row's tokens are no padding. */
  readonly tokens?: number;
}

/** What a model's output tensors mean. Worker thread only. */
export interface Task {
  /** Of a detector's results; else null. */
  readonly layout: DetectionLayout | null;
  /** Throws MODEL_INVALID, naming the expected and the found shapes, when the outputs of a run do not fit. */
  check(outputs: readonly OutputTensor[], rows: number): void;
  /** Values a result has. */
  columns(outputs: readonly OutputTensor[]): number;
  /** The results of each row: a table of `columns` values in row-major order. */
  postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Float32Array[];
}
