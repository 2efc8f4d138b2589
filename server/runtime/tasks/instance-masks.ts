import type { Attachment, MaskFormat } from '../../core/inference.js';
import type { ModelConfig } from '../../core/model-config.js';
import { toldMasks } from '../mask-format.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import type { BatchRow } from './task.js';

/** The masks of detections, mixed from a batch's prototypes [N,planes,h,w] by the values at the end of each row. */
export class InstanceMasks {
  readonly #input: ModelConfig['input'];
  readonly #native: NativeAddon;
  readonly #prototypes: Float32Array;
  readonly #planes: number;
  readonly #rows: number;
  readonly #columns: number;

  /** The prototypes are the output with four dimensions: the task's check has seen that there is one. */
  constructor({ input }: ModelConfig, native: NativeAddon, outputs: readonly OutputTensor[]) {
    const { data, shape } = outputs.find((output) => output.shape.length === 4)!;
    const [, planes = 0, rows = 0, columns = 0] = shape;
    this.#input = input;
    this.#native = native;
    this.#prototypes = data;
    this.#planes = planes;
    this.#rows = rows;
    this.#columns = columns;
  }

  /** One for each detection of a table of `columns` values a row. */
  async of(
    picture: number,
    { toPicture, picture: { width, height } }: BatchRow,
    table: Float32Array,
    columns: number,
    format: MaskFormat,
  ): Promise<Attachment[]> {
    const length = this.#planes * this.#rows * this.#columns;
    const prototypes = this.#prototypes.subarray(picture * length, (picture + 1) * length);
    const masks: Uint32Array[] = [];
    for (let start = 0; start < table.length; start += columns) {
      const row = table.subarray(start, start + columns);
      const options = {
        planes: this.#planes,
        rows: this.#rows,
        columns: this.#columns,
        matrix: toPicture,
        inputWidth: this.#input.width,
        inputHeight: this.#input.height,
        width,
        height,
        box: Array.from(row.subarray(0, 4)),
      };
      masks.push(this.#native.decodeMask(prototypes, row.subarray(columns - this.#planes), options));
    }
    return toldMasks(masks, { width, height }, format, this.#native);
  }
}
