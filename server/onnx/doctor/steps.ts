import { ServingError } from '../../core/errors.js';
import type { ServedSize } from '../comparison.js';
import { followSizes } from '../follow-sizes.js';
import type { OnnxModel } from '../graph.js';
import { imageInput, type ImageInput } from '../image-input.js';
import type { DoctorContext } from './finding.js';

/** What all rules look at, made once: following the sizes of a large graph takes a while. */
export function contextOf(model: OnnxModel, size: ServedSize | null): DoctorContext {
  const picture = pictureOf(model);
  const steps = size === null || picture === null ? [] : followSizes(model, picture, size).steps;
  return { size, picture, steps };
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
