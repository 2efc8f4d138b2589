import type { OnnxModel } from './graph.js';
import { opsetOf } from './graph.js';
import type { ImageInput } from './image-input.js';
import { inferShapes, type Inference } from './shape-inference.js';

/** Size of the network input, in pixels. */
export interface InputSize {
  readonly width: number;
  readonly height: number;
}

/**
 * A graph with the sizes it was exported for beside the same graph with the sizes it shall serve. The two serving
 * batches are primes, so that a dim follows the batch exactly if it is divisible by both and scales with them.
 */
export interface Comparison {
  /** The batch of the export; 1 where the file leaves it open. */
  readonly exportedBatch: number;
  readonly exported: Inference;
  readonly served: Inference;
  readonly servedOther: Inference;
}

export const SERVED_BATCH = 7;
export const SERVED_BATCH_OTHER = 11;

export function compareSizes(model: OnnxModel, input: ImageInput, size: InputSize): Comparison {
  const [batch, , height, width] = input.shape;
  const exportedBatch = typeof batch === 'number' ? batch : 1;
  const infer = (n: number, h: number, w: number) =>
    inferShapes(model.graph, opsetOf(model), new Map([[input.name, [n, 3, h, w]]]));
  return {
    exportedBatch,
    exported: infer(
      exportedBatch,
      typeof height === 'number' ? height : size.height,
      typeof width === 'number' ? width : size.width,
    ),
    served: infer(SERVED_BATCH, size.height, size.width),
    servedOther: infer(SERVED_BATCH_OTHER, size.height, size.width),
  };
}
