import { compareSizes, type ServedSize } from '../comparison.js';
import type { OnnxModel } from '../graph.js';
import { imageInput } from '../image-input.js';
import { takeNchw } from '../nhwc.js';
import { dropUnusedWeights, dropWeightInputs, rewriteModel } from '../rewrite.js';
import { rawHeads, strideSize, type NamedShape } from '../yolo-heads.js';
import { takeInExternalData } from './external-data.js';
import { foldShapes } from './fold-shapes.js';
import { inlineBranches } from './inline-branches.js';
import { anchorsFor, mergeHeads, type HeadFacts } from './merge-heads.js';
import { dropOutputs, trainingOutputs, transposeOutputs, untransposedOutputs } from './outputs.js';
import { simplify } from './simplify.js';
import { upgradeOpset } from './upgrade-opset.js';

export interface FixOptions extends HeadFacts {
  /** The files that weights are kept in outside the model file, by the name that it gives them. */
  readonly externalFiles?: ReadonlyMap<string, Uint8Array>;
}

/**
 * Everything that can be done to a model file for one size of the picture: what the server does when it loads it, and
 * beyond that what makes it smaller or easier for TensorRT. `changes` says what, a line each. Throws MODEL_INVALID where
 * the model cannot be brought to the size.
 */
export function fixModel(
  model: OnnxModel,
  size: ServedSize,
  options: FixOptions = {},
): { model: OnnxModel; changes: string[] } {
  const changes: string[] = [];
  const whole = takeInExternalData(model, options.externalFiles ?? new Map<string, Uint8Array>(), changes);
  const nchw = takeNchw(whole, changes);
  const upgraded = upgradeOpset(nchw, changes) ?? nchw;
  const comparison = compareSizes(upgraded, imageInput(upgraded), size);
  const rewritten = rewriteModel(inlineBranches(upgraded, comparison, changes), size);
  changes.push(...rewritten.changes);
  const folded = foldShapes(rewritten.model, size, changes);
  const simple = simplify(fixOutputs(folded, size, options, changes), changes);
  return { model: dropUnusedWeights(simple, changes), changes };
}

/** What can be done to a model that takes no pictures, whose batch and sizes stay as they are. */
export function fixWithoutPicture(model: OnnxModel, options: FixOptions = {}): { model: OnnxModel; changes: string[] } {
  const changes: string[] = [];
  const whole = takeInExternalData(model, options.externalFiles ?? new Map<string, Uint8Array>(), changes);
  const simple = simplify(upgradeOpset(whole, changes) ?? whole, changes);
  return { model: dropUnusedWeights(dropWeightInputs(simple, changes), changes), changes };
}

/** One output with rows, as the tasks of detectors take it best. */
function fixOutputs(model: OnnxModel, size: ServedSize, facts: HeadFacts, changes: string[]): OnnxModel {
  const [probe] = compareSizes(model, imageInput(model), size).served;
  const pixels = strideSize(size);
  const outputs: NamedShape[] = model.graph.output.map(({ name }) => ({ name, shape: probe.shapeOf(name) }));
  const extra = trainingOutputs(outputs, pixels);
  const wanted = outputs.filter((output) => !extra.includes(output));
  const heads = rawHeads(wanted, pixels);
  const anchors = anchorsFor(heads, model.graph, facts);
  // Outputs that are something else beside the heads are better left alone.
  if (heads.length > 0 && heads.length === outputs.length && anchors !== null) {
    return mergeHeads(model, heads, anchors, changes);
  }
  return transposeOutputs(dropOutputs(model, extra, changes), untransposedOutputs(wanted, pixels), changes);
}
