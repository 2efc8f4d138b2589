import { ServingError } from '../../core/errors.js';
import type { InputSize } from '../comparison.js';
import { fixModel } from '../fixes/fix-model.js';
import { declaredShape, fedInputs, nodeLabel, type OnnxModel } from '../graph.js';
import { checkAnchors } from './anchors.js';
import { checkDataDependent } from './data-dependent.js';
import { checkFaceHeads } from './face-heads.js';
import type { DoctorOptions, Finding, Observation, Rule, Severity } from './finding.js';
import { checkFolding } from './folding.js';
import { checkHalfPrecision } from './half-precision.js';
import { checkInputs } from './inputs.js';
import { checkIntegrity } from './integrity.js';
import { checkNormalisation } from './normalisation.js';
import { checkOperators } from './operators.js';
import { checkOpset } from './opset.js';
import { checkOutputs } from './outputs.js';
import { placesOf } from './places.js';
import { checkQuantization } from './quantization.js';
import { checkReshape } from './reshape.js';
import { checkResize } from './resize.js';
import { checkRows } from './rows.js';
import { checkScatter } from './scatter.js';
import { checkSeveralInputs } from './several-inputs.js';
import { contextOf } from './steps.js';
import { checkStrides } from './strides.js';
import { checkTakenSizes } from './taken-sizes.js';
import { checkTypes } from './types.js';

export type { DoctorOptions } from './finding.js';

/** R1 to R20; the order is that of findings of the same severity. */
const RULES: readonly Rule[] = [
  checkIntegrity,
  checkInputs,
  checkSeveralInputs,
  checkTypes,
  checkOperators,
  checkOpset,
  checkTakenSizes,
  checkResize,
  checkReshape,
  checkScatter,
  checkFaceHeads,
  checkOutputs,
  checkRows,
  checkAnchors,
  checkStrides,
  checkNormalisation,
  checkDataDependent,
  checkQuantization,
  checkHalfPrecision,
  checkFolding,
];
const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** Everything that the rules find in a model, errors first. */
export function doctor(model: OnnxModel, options: DoctorOptions = {}): Finding[] {
  const size = sizeOf(model, options);
  const observations = observe(model, options, size);
  const left = observations.length === 0 ? null : keysAfterFix(model, options, size);
  const places = new Map([...placesOf(model.graph)].map(({ node, text }) => [node, text]));
  const findings = observations.map((observation): Finding => {
    const { node, fixable, ...rest } = observation;
    return {
      ...rest,
      node: node === null ? null : nodeLabel(node),
      place: node === null ? null : (places.get(node) ?? null),
      fixable: fixable || (left !== null && !left.has(keyOf(observation))),
      mendedAtLoad: fixable,
    };
  });
  return findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

function observe(model: OnnxModel, options: DoctorOptions, size: InputSize | null): Observation[] {
  const context = contextOf(model, size, options);
  return RULES.flatMap((rule) => rule(model, context));
}

/** What would still be found in the fixed file; null where it cannot be fixed. */
function keysAfterFix(model: OnnxModel, options: DoctorOptions, size: InputSize | null): ReadonlySet<string> | null {
  try {
    const fixed = applyFixes(model, options).model;
    return new Set(observe(fixed, options, size).map(keyOf));
  } catch (cause) {
    if (cause instanceof ServingError) return null;
    throw cause;
  }
}

/** Tells findings apart. Numbers in a message may change where the rest stays. */
function keyOf({ rule, severity, node, message }: Observation): string {
  return [rule, severity, node === null ? message.replaceAll(/\d+/g, '#') : nodeLabel(node)].join(' ');
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
  return fixModel(model, size, { ...options, ...classesOf(options) });
}

/** What the labels say of the classes of raw heads. */
function classesOf({ serving }: DoctorOptions): { classes?: number } {
  return serving === undefined || serving.labels === 0 ? {} : { classes: serving.labels };
}

function sizeOf(model: OnnxModel, options: DoctorOptions): InputSize | null {
  const [input] = fedInputs(model.graph);
  const [, , height, width] = (input === undefined ? null : declaredShape(input)) ?? [];
  const size = { width: options.width ?? width, height: options.height ?? height };
  return typeof size.width === 'number' && typeof size.height === 'number'
    ? { width: size.width, height: size.height }
    : null;
}
