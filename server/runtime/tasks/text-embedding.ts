import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import type { BatchRow, RowResult, Task } from './task.js';

/**
 * One vector a text. Without pooling it is the one output [N, D]; with it, that of the one output [N, L, D] with a vector
 * for each token. Other outputs may be there. Of unit length where the configuration says so.
 */
export class TextEmbeddingTask implements Task {
  readonly #native: NativeAddon;
  readonly #pooling: ModelConfig['postprocess']['pooling'];
  readonly #normalize: boolean;

  constructor({ postprocess }: ModelConfig, native: NativeAddon) {
    this.#native = native;
    this.#pooling = postprocess.pooling;
    this.#normalize = postprocess.normalize;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const fitting = outputs.filter(({ shape }) => shape.length === this.#rank);
    if (fitting.length === 1 && fitting[0]!.shape.every((size, axis) => (axis === 0 ? size === rows : size > 0)))
      return;
    const found = outputs.map(({ shape }) => `[${shape.join(',')}]`).join(' ');
    const expected = this.#rank === 2 ? `[${rows},D]` : `[${rows},L,D]`;
    throw new ServingError(
      'MODEL_INVALID',
      `the outputs do not fit task text_embedding with postprocess.pooling ${this.#pooling}: expected exactly one ` +
        `${expected}, found ${found || 'none'}; pooling none takes [N,D], cls and mean take [N,L,D]`,
    );
  }

  shape(outputs: readonly OutputTensor[]): RowShape {
    return { columns: this.#output(outputs).shape[this.#rank - 1]! };
  }

  async postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]> {
    const { data, shape } = this.#output(outputs);
    const { columns: length } = this.shape(outputs);
    let vectors = data;
    if (this.#pooling !== 'none') {
      vectors = new Float32Array(rows.length * length);
      const tokens = Int32Array.from(rows, (row) => row.tokens ?? 0);
      this.#native.poolTokens(data, shape[1]!, tokens, this.#pooling, vectors);
    }
    if (this.#normalize) this.#native.l2Normalize(vectors, rows.length);
    return rows.map((_, row) => ({ table: vectors.subarray(row * length, (row + 1) * length) }));
  }

  get #rank(): 2 | 3 {
    return this.#pooling === 'none' ? 2 : 3;
  }

  #output(outputs: readonly OutputTensor[]): OutputTensor {
    return outputs.find(({ shape }) => shape.length === this.#rank)!;
  }
}
