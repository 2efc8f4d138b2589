import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import { requireLabels } from './labels.js';
import type { BatchRow, RowResult, Task } from './task.js';

/** A score for each class, from one output [N, C] (or [N, C, 1, 1]). Which ones are told is decided where they are told. */
export class ClassificationTask implements Task {
  readonly #native: NativeAddon;
  readonly #config: ModelConfig;
  readonly #labels: number;

  constructor(config: ModelConfig, native: NativeAddon, labels: number) {
    this.#native = native;
    this.#config = config;
    this.#labels = labels;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const [output, ...others] = outputs;
    const shape = output?.shape ?? [];
    const fits = others.length === 0 && shape.length >= 2 && shape[0] === rows && shape.slice(2).every((n) => n === 1);
    if (!fits || !(shape[1]! > 0)) {
      const found = outputs.map(({ shape: dims }) => `[${dims.join(',')}]`).join(' ');
      throw new ServingError(
        'MODEL_INVALID',
        `the outputs do not fit task ${this.#config.task}: expected one of [${rows},C], found ${found || 'none'}`,
      );
    }
    requireLabels(this.#labels, shape[1]!);
  }

  shape(outputs: readonly OutputTensor[]): RowShape {
    return { columns: outputs[0]!.shape[1]! };
  }

  async postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]> {
    const { data } = outputs[0]!;
    const { activation } = this.#config.postprocess;
    if (activation !== 'none') this.#native.activate(data, rows.length, activation);
    const { columns: classes } = this.shape(outputs);
    return rows.map((_, row) => ({ table: data.subarray(row * classes, (row + 1) * classes) }));
  }
}
