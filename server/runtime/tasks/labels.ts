import { ServingError } from '../../core/errors.js';

/** Throws MODEL_INVALID where there is a labels file, of so many lines, and the model tells another number of classes. */
export function requireLabels(lines: number, classes: number): void {
  if (lines === 0 || lines === classes) return;
  throw new ServingError('MODEL_INVALID', `the labels file has ${lines} lines, the model tells ${classes} classes`);
}
