import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import type { BatchRow, RowResult, Task } from './task.js';

/** One vector a row, from one output [N, D] (or [N, D, 1, 1]); of unit length where the configuration says so. */
export class EmbeddingTask implements Task {
  readonly #native: NativeAddon;
  readonly #normalize: boolean;

  constructor(config: ModelConfig, native: NativeAddon) {
    this.#native = native;
    this.#normalize = config.postprocess.normalize;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const [output, ...others] = outputs;
    const shape = output?.shape ?? [];
    const fits = others.length === 0 && shape.length >= 2 && shape[0] === rows && shape.slice(2).every((n) => n === 1);
    if (fits && shape[1]! > 0) return;
    const found = outputs.map(({ shape: dims }) => `[${dims.join(',')}]`).join(' ');
    throw new ServingError(
      'MODEL_INVALID',
      `the outputs do not fit task embedding: expected one of [${rows},D], found ${found || 'none'}`,
    );
  }

  shape(outputs: readonly OutputTensor[]): RowShape {
    return { columns: outputs[0]!.shape[1]! };
  }

  async postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]> {
    const { data } = outputs[0]!;
    if (this.#normalize) this.#native.l2Normalize(data, rows.length);
    const { columns: length } = this.shape(outputs);
    return rows.map((_, row) => ({ table: data.subarray(row * length, (row + 1) * length) }));
  }
}
