import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import type { BatchRow, Task } from './task.js';

/** The maps are a quarter of the input in each direction. */
const STRIDE = 4;

/** Planes of each output, in the order of the model: heat, scale (h, w), offset (y, x), landmarks (y, x of five). */
const PLANES = [1, 2, 2, 10] as const;

/** left top right bottom score, then five landmarks: what the native decoder writes. */
const DECODED_COLUMNS = 15;

/** The same with the class behind the score. */
const COLUMNS = 16;

/** CenterFace (https://arxiv.org/abs/1911.03599): faces with five landmarks from maps at stride 4. */
export class CenterFaceTask implements Task {
  readonly layout = { rotated: false, points: 5, pointValues: 2, values: 0 };
  readonly #native: NativeAddon;
  readonly #nmsRule: ModelConfig['postprocess']['nms_rule'];
  readonly #mapColumns: number;
  readonly #mapRows: number;
  #decoded = new Float32Array(0);

  constructor(config: ModelConfig, native: NativeAddon) {
    this.#native = native;
    this.#nmsRule = config.postprocess.nms_rule;
    this.#mapColumns = Math.ceil(config.input.width / STRIDE);
    this.#mapRows = Math.ceil(config.input.height / STRIDE);
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const expected = PLANES.map((planes) => [rows, planes, this.#mapRows, this.#mapColumns]);
    const found = outputs.map((output) => output.shape);
    if (JSON.stringify(expected) === JSON.stringify(found)) return;
    const show = (shapes: readonly (readonly number[])[]) => shapes.map((shape) => `[${shape.join(',')}]`).join(' ');
    throw new ServingError(
      'MODEL_INVALID',
      `the outputs do not fit task centerface: expected ${show(expected)}, found ${show(found)}`,
    );
  }

  columns(): number {
    return COLUMNS;
  }

  postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Float32Array[] {
    const cells = this.#mapColumns * this.#mapRows;
    const map = (output: number, row: number) => {
      const length = (PLANES[output] ?? 0) * cells;
      return outputs[output]!.data.subarray(row * length, (row + 1) * length);
    };
    return rows.map(({ toPicture, parameters }, row) => {
      if (parameters.kind !== 'detect') throw new Error('a detector was given a request to embed');
      if (parameters.classIds !== null && !parameters.classIds.includes(0)) return new Float32Array(0);
      const decoded = this.#room(parameters.maxDetections * DECODED_COLUMNS);
      const count = this.#native.decodeCenterFace(
        map(0, row),
        map(1, row),
        map(2, row),
        map(3, row),
        {
          columns: this.#mapColumns,
          rows: this.#mapRows,
          scoreThreshold: parameters.scoreThreshold,
          nms: { rule: this.#nmsRule, iouThreshold: parameters.nmsThreshold },
          maxDetections: parameters.maxDetections,
          matrix: toPicture,
        },
        decoded,
      );
      return withClass(decoded, count);
    });
  }

  /** A buffer that only grows. */
  #room(length: number): Float32Array {
    if (this.#decoded.length < length) this.#decoded = new Float32Array(length);
    return this.#decoded.subarray(0, length);
  }
}

/** The model knows one class, 0: face. */
function withClass(decoded: Float32Array, count: number): Float32Array {
  const table = new Float32Array(count * COLUMNS);
  for (let row = 0; row < count; row++) {
    const from = row * DECODED_COLUMNS;
    table.set(decoded.subarray(from, from + 5), row * COLUMNS);
    table.set(decoded.subarray(from + 5, from + DECODED_COLUMNS), row * COLUMNS + 6);
  }
  return table;
}
