import { ServingError } from '../../core/errors.js';
import type { ModelConfig } from '../../core/model-config.js';
import type { RowShape } from '../frame-batch.js';
import { encodeMap, type GreyMap } from '../map-encoder.js';
import type { NativeAddon } from '../native.js';
import type { OutputTensor } from '../onnx-session.js';
import { requireLabels } from './labels.js';
import type { BatchRow, RowResult, Task } from './task.js';

/** Most classes: a map has a byte for each pixel. */
const MOST_CLASSES = 256;

/** How the one output is laid out. */
interface Layout {
  readonly planar: boolean;
  readonly planes: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Semantic segmentation: a class for every pixel, from one output [N,C,h,w] or [N,h,w,C] of scores. A single plane tells
 * class 1 from class 0. The result's one row has the pixels of each class; the maps are attached.
 */
export class SegmentationTask implements Task {
  readonly #config: ModelConfig;
  readonly #labels: number;
  readonly #native: NativeAddon;
  #layout: Layout | null = null;

  constructor(config: ModelConfig, native: NativeAddon, labels: number) {
    this.#config = config;
    this.#labels = labels;
    this.#native = native;
  }

  check(outputs: readonly OutputTensor[], rows: number): void {
    const found = outputs.map(({ shape }) => `[${shape.join(',')}]`).join(' ') || 'none';
    const layout = outputs.length === 1 ? layoutOf(outputs[0]!.shape, rows, this.#config.input) : null;
    if (layout === null) {
      throw new ServingError(
        'MODEL_INVALID',
        `the outputs do not fit task segmentation: expected one of [${rows},C,h,w] or [${rows},h,w,C] with at most ` +
          `${MOST_CLASSES} classes, found ${found}`,
      );
    }
    requireLabels(this.#labels, classesOf(layout));
    this.#layout = layout;
  }

  shape(): RowShape {
    return { columns: classesOf(this.#layout!) };
  }

  postprocess(outputs: readonly OutputTensor[], batch: readonly BatchRow[]): Promise<RowResult[]> {
    const { planar, planes, rows, columns } = this.#layout!;
    const length = planes * rows * columns;
    return Promise.all(
      batch.map(async ({ toPicture, picture: { width, height }, parameters }, row) => {
        if (parameters.kind !== 'segment') throw new Error('a segmentation was asked for otherwise');
        const { labels, probabilities, counts } = this.#native.decodeClassMap(
          outputs[0]!.data.subarray(row * length, (row + 1) * length),
          {
            planes,
            rows,
            columns,
            planar,
            activation: this.#config.postprocess.activation,
            matrix: toPicture,
            inputWidth: this.#config.input.width,
            inputHeight: this.#config.input.height,
            width,
            height,
            probabilities: parameters.probabilityMap,
          },
        );
        const maps: GreyMap[] = [{ width, height, data: labels }];
        if (parameters.probabilityMap) maps.push({ width, height, data: probabilities });
        return { table: Float32Array.from(counts), attachments: await Promise.all(maps.map(encodeMap)) };
      }),
    );
  }
}

function classesOf({ planes }: Pick<Layout, 'planes'>): number {
  return planes === 1 ? 2 : planes;
}

/** Which of the two layouts has the aspect ratio of the input; classes first where both have. */
function layoutOf(
  shape: readonly number[],
  batch: number,
  input: { readonly width: number; readonly height: number },
): Layout | null {
  const [first, a = 0, b = 0, c = 0] = shape;
  if (shape.length !== 4 || first !== batch) return null;
  const fits = ({ planes, rows, columns }: Layout) =>
    planes >= 1 && planes <= MOST_CLASSES && rows * input.width === columns * input.height;
  const layouts: Layout[] = [
    { planar: true, planes: a, rows: b, columns: c },
    { planar: false, planes: c, rows: a, columns: b },
  ];
  return layouts.find(fits) ?? null;
}
