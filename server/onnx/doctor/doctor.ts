import { ServingError } from '../../core/errors.js';
import type { InputSize } from '../comparison.js';
import { declaredShape, fedInputs, type OnnxModel } from '../graph.js';
import { rewriteModel } from '../rewrite.js';
import { checkFaceHeads } from './face-heads.js';
import type { Finding, Rule, Severity } from './finding.js';
import { checkInputs } from './inputs.js';
import { checkIntegrity } from './integrity.js';
import { checkOpset } from './opset.js';
import { checkReshape } from './reshape.js';
import { checkResize } from './resize.js';
import { contextOf } from './steps.js';

const RULES: readonly Rule[] = [checkIntegrity, checkInputs, checkOpset, checkResize, checkReshape, checkFaceHeads];
const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** The size to be served, in pixels; what is left out is taken from the file. */
export type DoctorOptions = Partial<InputSize>;

/** Everything that the rules find in a model, errors first. */
export function doctor(model: OnnxModel, options: DoctorOptions = {}): Finding[] {
  const context = contextOf(model, sizeOf(model, options));
  const findings = RULES.flatMap((rule) => rule(model, context));
  return findings.sort((left, right) => ORDER.indexOf(left.severity) - ORDER.indexOf(right.severity));
}

/**
 * Does everything that findings call fixable; `changes` says what, a line each. Throws MODEL_INVALID where the model
 * cannot be brought to the size, and where neither the options nor the file say one.
 */
export function applyFixes(model: OnnxModel, options: DoctorOptions = {}): { model: OnnxModel; changes: string[] } {
  const size = sizeOf(model, options);
  if (size === null) {
    throw new ServingError('MODEL_INVALID', 'The file leaves the size of the picture open; give a width and a height.');
  }
  return rewriteModel(model, size);
}

function sizeOf(model: OnnxModel, options: DoctorOptions): InputSize | null {
  const [input] = fedInputs(model.graph);
  const [, , height, width] = (input === undefined ? null : declaredShape(input)) ?? [];
  const size = { width: options.width ?? width, height: options.height ?? height };
  return typeof size.width === 'number' && typeof size.height === 'number'
    ? { width: size.width, height: size.height }
    : null;
}
