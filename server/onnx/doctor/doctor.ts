import { ServingError } from '../../core/errors.js';
import type { ServedSize } from '../comparison.js';
import { fixModel, fixWithoutPicture } from '../fixes/fix-model.js';
import { declaredShape, fedInputs, nodeLabel, type OnnxModel } from '../graph.js';
import { COLORS, FOCUSED, GRAY, takesNoPicture } from '../image-input.js';
import { takeNchw } from '../nhwc.js';
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
import { checkTextInputs } from './text-inputs.js';
import { checkTypes } from './types.js';

export type { DoctorOptions } from './finding.js';

/** R1 to R20; the order is that of findings of the same severity. */
const RULES: readonly Rule[] = [
  checkIntegrity,
  checkInputs,
  checkTextInputs,
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

/** Those that hold for models of which nothing is known but their tensors. */
const TENSOR_RULES: readonly Rule[] = [
  checkIntegrity,
  checkOperators,
  checkOpset,
  checkScatter,
  checkDataDependent,
  checkFolding,
];

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** Everything that the rules find in a model, errors first. */
export function doctor(file: OnnxModel, options: DoctorOptions = {}): Finding[] {
  const changes: string[] = [];
  const model = takeNchw(file, changes);
  const size = sizeOf(model, options);
  const observations = [...layoutObservations(changes), ...observe(model, options, size)];
  const left = observations.length === 0 ? null : keysAfterFix(model, options, size);
  const places = new Map([...placesOf(file.graph)].map(({ node, text }) => [node, text]));
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

/** Pictures that are fed as the file does not expect them. */
function layoutObservations(changes: readonly string[]): Observation[] {
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

function observe(model: OnnxModel, options: DoctorOptions, size: ServedSize | null): Observation[] {
  const context = contextOf(model, size, options);
  const rules = options.serving?.task === 'tensors' ? TENSOR_RULES : RULES;
  return rules.flatMap((rule) => rule(model, context));
}

/** What would still be found in the fixed file; null where it cannot be fixed. */
function keysAfterFix(model: OnnxModel, options: DoctorOptions, size: ServedSize | null): ReadonlySet<string> | null {
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
  if (takesNoPicture(model)) return fixWithoutPicture(model, options);
  const size = sizeOf(takeNchw(model, []), options);
  if (size === null) {
    throw new ServingError('MODEL_INVALID', 'The file leaves the size of the picture open; give a width and a height.');
  }
  return fixModel(model, size, { ...options, ...classesOf(options) });
}

/** What the labels say of the classes of raw heads. */
function classesOf({ serving }: DoctorOptions): { classes?: number } {
  return serving === undefined || serving.labels === 0 ? {} : { classes: serving.labels };
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
