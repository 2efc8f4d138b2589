import { ServingError } from '../../core/errors.js';
import type { InputSize, ServedSize } from '../comparison.js';
import { declaredShape, fedInputs, type OnnxModel } from '../graph.js';
import { COLORS, FOCUSED, GRAY } from '../image-input.js';
import { takeNchw } from '../nhwc.js';
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

/** The size to be served, in pixels, in front of a Focus layer that was cut off; what is left out is taken from the file. */
export type DoctorOptions = Partial<InputSize>;

/** Everything that the rules find in a model, errors first. */
export function doctor(file: OnnxModel, options: DoctorOptions = {}): Finding[] {
  const changes: string[] = [];
  const model = takeNchw(file, changes);
  const context = contextOf(model, sizeOf(model, options));
  const findings = [...layoutFindings(changes), ...RULES.flatMap((rule) => rule(model, context))];
  return findings.sort((left, right) => ORDER.indexOf(left.severity) - ORDER.indexOf(right.severity));
}

/**
 * Does everything that findings call fixable; `changes` says what, a line each. Throws MODEL_INVALID where the model
 * cannot be brought to the size, and where neither the options nor the file say one.
 */
export function applyFixes(model: OnnxModel, options: DoctorOptions = {}): { model: OnnxModel; changes: string[] } {
  const size = sizeOf(takeNchw(model, []), options);
  if (size === null) {
    throw new ServingError('MODEL_INVALID', 'The file leaves the size of the picture open; give a width and a height.');
  }
  return rewriteModel(model, size);
}

/** Pictures that are fed as the file does not expect them. */
function layoutFindings(changes: readonly string[]): Finding[] {
  return changes.map((message) => ({
    rule: 'R4',
    severity: 'info',
    node: null,
    message,
    why: 'The server feeds NCHW; turning the picture round costs a little, unless the graph begins with the opposite turn.',
    fix: 'Export the model with NCHW pictures.',
    fixable: true,
  }));
}

function sizeOf(model: OnnxModel, options: DoctorOptions): ServedSize | null {
  const [input] = fedInputs(model.graph);
  const [, channels, height, width] = (input === undefined ? null : declaredShape(input)) ?? [];
  const served = channels === GRAY || channels === FOCUSED ? channels : COLORS;
  const side = (option: number | undefined) => (served === FOCUSED ? halved(option) : option);
  const size = { width: side(options.width) ?? width, height: side(options.height) ?? height };
  return typeof size.width === 'number' && typeof size.height === 'number'
    ? { channels: served, width: size.width, height: size.height }
    : null;
}

function halved(side: number | undefined): number | undefined {
  if (side === undefined || side % 2 === 0) return side && side / 2;
  throw new ServingError('MODEL_INVALID', `The file begins behind a Focus layer, which halves sizes; ${side} is odd.`);
}
