import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import type { BatchRow, RowResult, Task } from './task.js';

/** left top right bottom score class. */
const BOX_COLUMNS = 6;

/** x y score. */
const POINT_VALUES = 3;

/**
 * The points of one object a row: told by the model (alphapose: [N,points,3] of x y score in network pixels), or the peaks
 * of its heat maps (heatmap_pose: [N,points,h,w]). The box of the result is the region that was asked for, its score the
 * mean of the points'.
 */
export class PoseTask implements Task {
  readonly #config: ModelConfig;
  readonly #native: NativeAddon;
  /** Without the batch. */
  #shape: readonly number[] = [];

  constructor(config: ModelConfig, native: NativeAddon) {
    this.#config = config;
    this.#native = native;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const [output, ...others] = outputs;
    const [batch, ...shape] = output?.shape ?? [];
    const heat = this.#config.task === 'heatmap_pose';
    const fits = heat ? shape.length === 3 && shape.every((size) => size > 0) : shape.length === 2 && shape[1] === 3;
    const found = outputs.map(({ shape: dims }) => `[${dims.join(',')}]`).join(' ') || 'none';
    if (others.length > 0 || batch !== rows || !fits) {
      throw new ServingError(
        'MODEL_INVALID',
        `the outputs do not fit task ${this.#config.task}: expected one of [${rows},points,${heat ? 'h,w' : '3'}], ` +
          `found ${found}`,
      );
    }
    const { first_key_point: first, key_points: wanted } = this.#config.postprocess;
    const told = shape[0]!;
    if (first + (wanted ?? 1) > told) {
      throw new ServingError(
        'MODEL_INVALID',
        `the model tells ${told} points; first_key_point ${first} and key_points ${wanted ?? 'all'} want more`,
      );
    }
    this.#shape = shape;
  }

  shape(): RowShape {
    const points = this.#points;
    const layout = { rotated: false, points, pointValues: POINT_VALUES, values: 0 };
    return { columns: BOX_COLUMNS + points * POINT_VALUES, layout };
  }

  async postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]> {
    const { data } = outputs[0]!;
    const length = this.#shape.reduce((product, size) => product * size, 1);
    return rows.map(({ toPicture, box, parameters }, row) => {
      const told = this.#pointsOf(data.subarray(row * length, (row + 1) * length));
      const { first_key_point: first } = this.#config.postprocess;
      const points = told.subarray(first * POINT_VALUES, (first + this.#points) * POINT_VALUES);
      const table = this.#native.writePose(points, toPicture, Float32Array.from(box));
      if (parameters.kind !== 'detect') throw new Error('a pose was asked for otherwise');
      return { table };
    });
  }

  get #points(): number {
    const { first_key_point: first, key_points: wanted } = this.#config.postprocess;
    return wanted ?? this.#shape[0]! - first;
  }

  #pointsOf(values: Float32Array): Float32Array {
    if (this.#config.task !== 'heatmap_pose') return values;
    const [points = 0, rows = 0, columns = 0] = this.#shape;
    return this.#native.findHeatPeaks(values, {
      points,
      rows,
      columns,
      strideX: this.#config.input.width / columns,
      strideY: this.#config.input.height / rows,
      refinement: this.#config.postprocess.peak_refinement,
    });
  }
}
