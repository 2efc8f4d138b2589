import { ServingError } from '../../core/errors.js';
import { compareSizes, type ServedSize } from '../comparison.js';
import { followSizes } from '../follow-sizes.js';
import type { OnnxModel } from '../graph.js';
import { imageInput, type ImageInput } from '../image-input.js';
import type { NamedShape } from '../yolo-heads.js';
import type { DoctorContext, DoctorOptions } from './finding.js';

/** What all rules look at, made once: following the sizes of a large graph takes a while. */
export function contextOf(model: OnnxModel, size: ServedSize | null, options: DoctorOptions): DoctorContext {
  const picture = pictureOf(model);
  if (size === null || picture === null) {
    return { size, picture, steps: [], comparison: null, served: null, options };
  }
  const { steps, comparison } = followSizes(model, picture, size);
  const served = comparison.served[0];
  return { size, picture, steps, comparison: compareSizes(model, picture, size), served, options };
}

function pictureOf(model: OnnxModel): ImageInput | null {
  try {
    return imageInput(model);
  } catch (cause) {
    if (cause instanceof ServingError) return null;
    throw cause;
  }
}

/** Whether a node keeps the model from being served. */
export function isRefused({ steps }: DoctorContext): boolean {
  return steps.some(({ verdict }) => verdict.kind === 'refuse');
}

/** The outputs with their shapes at the size to be served, for a batch of several. */
export function servedOutputs({ graph }: OnnxModel, { served }: DoctorContext): NamedShape[] {
  return graph.output.map(({ name }) => ({ name, shape: served?.shapeOf(name) ?? null }));
}
