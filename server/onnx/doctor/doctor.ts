import { ServingError } from '../../core/errors.js';
import type { InputSize } from '../comparison.js';
import { declaredShape, fedInputs, type OnnxModel } from '../graph.js';
import { dropUnusedWeights, dropWeightInputs, rewriteModel } from '../rewrite.js';
import { readsTexts } from '../rewrite-texts.js';
import { checkFaceHeads } from './face-heads.js';
import type { Finding, Rule, Severity } from './finding.js';
import { checkInputs } from './inputs.js';
import { checkIntegrity } from './integrity.js';
import { checkOpset } from './opset.js';
import { checkReshape } from './reshape.js';
import { checkResize } from './resize.js';
import { contextOf } from './steps.js';
import { checkTextInputs } from './text-inputs.js';

const RULES: readonly Rule[] = [checkIntegrity, checkInputs, checkOpset, checkResize, checkReshape, checkFaceHeads];
/** Of a model that reads texts, whose inputs are tokens and whose sizes stay as they are. */
const RULES_OF_TEXTS: readonly Rule[] = [checkIntegrity, checkTextInputs, checkOpset];
const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** The size to be served, in pixels; what is left out is taken from the file. */
export type DoctorOptions = Partial<InputSize>;

/** Everything that the rules find in a model, errors first. */
export function doctor(model: OnnxModel, options: DoctorOptions = {}): Finding[] {
  const context = contextOf(model, sizeOf(model, options));
  const rules = readsTexts(model) ? RULES_OF_TEXTS : RULES;
  const findings = rules.flatMap((rule) => rule(model, context));
  return findings.sort((left, right) => ORDER.indexOf(left.severity) - ORDER.indexOf(right.severity));
}

/**
 * Does everything that findings call fixable; `changes` says what, a line each. Throws MODEL_INVALID where the model
 * cannot be brought to the size, and where neither the options nor the file say one.
 */
export function applyFixes(model: OnnxModel, options: DoctorOptions = {}): { model: OnnxModel; changes: string[] } {
  if (readsTexts(model)) return withoutWeights(model);
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

/** What the server does to a model that reads texts. */
function withoutWeights(model: OnnxModel): { model: OnnxModel; changes: string[] } {
  const changes: string[] = [];
  return { model: dropUnusedWeights(dropWeightInputs(model, changes), changes), changes };
}
