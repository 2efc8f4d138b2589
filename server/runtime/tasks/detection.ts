import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import { guarded } from '../guarded.js';
import type { NativeAddon, NativeDetections } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import { detectionSpec } from './detection-spec.js';
import { InstanceMasks } from './instance-masks.js';
import type { BatchRow, RowResult, Task } from './task.js';

/** Any detector: the native decoder knows how the outputs of each task are laid out. */
export class DetectionTask implements Task {
  readonly #config: ModelConfig;
  readonly #labels: number;
  readonly #native: NativeAddon;
  #detections: NativeDetections | null = null;
  #rows = new Float32Array(0);

  constructor(config: ModelConfig, native: NativeAddon, labels: number) {
    this.#config = config;
    this.#labels = labels;
    this.#native = native;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const torn = outputs.find(({ shape }) => shape[0] !== rows);
    if (torn !== undefined) {
      throw new ServingError(
        'MODEL_INVALID',
        `the outputs do not fit task ${this.#config.task}: expected a batch of ${rows} in each, ` +
          `found [${torn.shape.join(',')}] in ${torn.name}`,
      );
    }
    const shapes = outputs.map(({ name, shape }) => ({ name, shape: shape.slice(1) }));
    const spec = detectionSpec(this.#config, this.#labels);
    this.#detections = guarded(() => this.#native.openDetections(spec, shapes));
  }

  shape(): RowShape {
    const { columns, layout } = this.#opened();
    return { columns, layout };
  }

  async postprocess(outputs: readonly OutputTensor[], rows: readonly BatchRow[]): Promise<RowResult[]> {
    const detections = this.#opened();
    const data = outputs.map((output) => output.data);
    const masks = this.#config.task === 'yolov8_seg' ? new InstanceMasks(this.#config, this.#native, outputs) : null;
    return Promise.all(
      rows.map(async (batchRow, row) => {
        const { toPicture, parameters } = batchRow;
        if (parameters.kind !== 'detect') throw new Error('a detector was asked for something else');
        const { scoreThreshold, nmsThreshold, maxDetections, classIds, maskFormat } = parameters;
        const request = { matrix: toPicture, scoreThreshold, nmsThreshold, maxDetections, classIds };
        const room = this.#room(maxDetections * detections.columns);
        const table = room.slice(0, detections.decode(data, row, request, room) * detections.columns);
        if (masks === null) return { table };
        return { table, attachments: await masks.of(row, batchRow, table, detections.columns, maskFormat) };
      }),
    );
  }

  #opened(): NativeDetections {
    if (this.#detections === null) throw new Error('the outputs have not been checked');
    return this.#detections;
  }

  /** A buffer that only grows. */
  #room(length: number): Float32Array {
    if (this.#rows.length < length) this.#rows = new Float32Array(length);
    return this.#rows.subarray(0, length);
  }
}
