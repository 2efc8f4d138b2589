import { ServingError } from '../../core/errors.js';
import { followSizes, type Step } from '../follow-sizes.js';
import type { OnnxModel } from '../graph.js';
import { imageInput, type ImageInput } from '../image-input.js';
import type { DoctorContext } from './finding.js';

/** The picture among the inputs, null where R4 has to tell that there is none. */
export function pictureOf(model: OnnxModel): ImageInput | null {
  try {
    return imageInput(model);
  } catch (cause) {
    if (cause instanceof ServingError) return null;
    throw cause;
  }
}

/** The nodes that do not follow the served size by themselves; none where there is no picture or no size to follow. */
export function stepsOf(model: OnnxModel, { size }: DoctorContext): readonly Step[] {
  const picture = pictureOf(model);
  return size === null || picture === null ? [] : followSizes(model, picture, size).steps;
}

/** Whether one of them keeps the model from being served. */
export function isRefused(model: OnnxModel, context: DoctorContext): boolean {
  return stepsOf(model, context).some(({ verdict }) => verdict.kind === 'refuse');
}
