import { ServingError } from '../core/errors.js';
import { TypeProto, TypeProto_Tensor, type NodeProto, type ValueInfoProto } from '../gen/onnx/onnx.js';
import { dimension } from './builder.js';
import type { Comparison, PixelRange, Probe, ServedSize } from './comparison.js';
import {
  declaredShape,
  initializerNames,
  nodeLabel,
  opsetOf,
  shapeText,
  usedNames,
  type DeclaredDim,
  type OnnxModel,
} from './graph.js';
import { floatOutputs } from './float-outputs.js';
import { followSizes, newConflicts } from './follow-sizes.js';
import { COLORS, imageInput, requireChannels, type ImageInput } from './image-input.js';
import { decodeModel, encodeModel } from './model-file.js';
import { takeNchw } from './nhwc.js';

/** The symbols of the dynamic batch and of open sizes in the inputs and outputs of a rewritten model. */
export const BATCH = 'batch';
export const HEIGHT = 'height';
export const WIDTH = 'width';

/** The oldest operator set that ONNX Runtime runs. */
export const OLDEST_OPSET = 7;
/** From this version of the file format on, initializers may be missing from the inputs of the graph. */
const FREE_INITIALIZERS_IR = 4n;

/**
 * Makes a model file servable: pictures as NCHW, a dynamic batch, the input size of the configuration (or, with `ranges`,
 * height and width that stay open), weights no longer among the inputs, outputs with shapes that are true, and float32
 * instead of whole numbers. The bytes are returned as they are where nothing has to change. `changes` says what was done,
 * a line each. Throws MODEL_INVALID, naming the node and the reason, where the model cannot be brought to these sizes
 * without guessing.
 */
export function rewriteForServing(bytes: Uint8Array, size: ServedSize): { bytes: Uint8Array; changes: string[] } {
  const { model, changes } = rewriteDecoded(decodeModel(bytes), size);
  return { bytes: changes.length === 0 ? bytes : encodeModel(model), changes };
}

/** `rewriteForServing` on a decoded model, which is left as it is. */
export function rewriteDecoded(model: OnnxModel, size: ServedSize): { model: OnnxModel; changes: string[] } {
  const rewritten = rewriteModel(model, size);
  return { model: floatOutputs(rewritten.model, rewritten.changes), changes: rewritten.changes };
}

/** Brings a decoded model, which is left as it is, to the batch and the size; outputs keep their types. */
export function rewriteModel(model: OnnxModel, size: ServedSize): { model: OnnxModel; changes: string[] } {
  requireRanges(size);
  if (opsetOf(model) < OLDEST_OPSET) {
    throw invalid(
      `The model uses opset ${opsetOf(model)}; ONNX Runtime needs at least ${OLDEST_OPSET}: export it anew.`,
    );
  }
  const changes: string[] = [];
  let result = takeNchw(model, changes);
  const input = imageInput(result);
  requireChannels(input, size.channels ?? COLORS);
  result = dropUnusedWeights(dropWeightInputs(result, changes), changes);
  const followed = followSizes(result, input, size);
  for (const { node, verdict } of followed.steps) {
    if (verdict.kind === 'refuse') throw refusal(node, verdict.reason);
    changes.push(`${nodeLabel(node)}: ${verdict.change}`);
  }
  result = followed.model;
  refuseConflicts(result, followed.comparison);
  result = declareShapes(result, input, size, followed.comparison, changes);
  return { model: result, changes };
}

/** Initializers need not be inputs, and as inputs they keep the runtime from folding them. */
export function dropWeightInputs(model: OnnxModel, changes: string[]): OnnxModel {
  const initializers = initializerNames(model.graph);
  const input = model.graph.input.filter(({ name }) => !initializers.has(name));
  const dropped = model.graph.input.length - input.length;
  if (dropped === 0) return model;
  changes.push(`dropped ${dropped} weights that were listed as inputs`);
  const irVersion = model.irVersion < FREE_INITIALIZERS_IR ? FREE_INITIALIZERS_IR : model.irVersion;
  if (irVersion !== model.irVersion) changes.push(`ir_version ${model.irVersion} -> ${irVersion}`);
  return { ...model, irVersion, graph: { ...model.graph, input } };
}

/** What no node takes only costs memory, and a line of the runtime's log for each. */
export function dropUnusedWeights(model: OnnxModel, changes: string[]): OnnxModel {
  const { graph } = model;
  const used = usedNames(graph);
  const initializer = graph.initializer.filter(({ name }) => used.has(name));
  const dropped = graph.initializer.length - initializer.length;
  if (dropped === 0) return model;
  changes.push(`dropped ${dropped} weights that no node uses`);
  return { ...model, graph: { ...graph, initializer } };
}

/** Sizes that contradict each other come from the caller, not from the file. */
function requireRanges({ width, height, ranges }: ServedSize): void {
  if (ranges === undefined) return;
  const isIn = ({ min, opt, max }: PixelRange, size: number) =>
    min >= 1 && min <= opt && opt <= max && min <= size && size <= max;
  if (isIn(ranges.height, height) && isIn(ranges.width, width)) return;
  const text = ({ min, opt, max }: PixelRange) => `${min} to ${max}, best at ${opt}`;
  throw new RangeError(
    `${width}x${height} and its ranges (width ${text(ranges.width)}; height ${text(ranges.height)}) do not fit`,
  );
}

/** Refuses nodes that worked at the exported sizes and cannot at the served ones. */
function refuseConflicts({ graph }: OnnxModel, comparison: Comparison): void {
  const [conflict] = newConflicts(comparison);
  if (conflict !== undefined) {
    const { batch, width, height } = conflict.at;
    throw refusal(conflict.node, `${conflict.reason} (tried with a batch of ${batch} at ${width}x${height})`);
  }
  for (const node of graph.node) {
    const [was, is] = [comparison.exported, comparison.served[0]].map(
      ({ shapeOf }) => shapeOf(node.output[0] ?? '')?.length,
    );
    // A Squeeze without axes takes a batch of 1 away with the rest.
    if (was === undefined || is === undefined || was === is) continue;
    throw refusal(node, `its output has ${was} dims at the exported batch and ${is} at others; give it axes`);
  }
}

/** Declares the input and the outputs as they are served, and drops what is said about the values between. */
function declareShapes(
  model: OnnxModel,
  input: ImageInput,
  size: ServedSize,
  comparison: Comparison,
  changes: string[],
): OnnxModel {
  const { graph } = model;
  const before = changes.length;
  const declare = (kind: string, value: ValueInfoProto, shape: readonly DeclaredDim[] | null) => {
    const [from, to] = [shapeText(declaredShape(value)), shapeText(shape)];
    if (from === to) return value;
    changes.push(`${kind} '${value.name}': ${from} -> ${to}`);
    return withShape(value, shape);
  };
  const isOpen = (range: PixelRange | undefined) => range !== undefined && range.min !== range.max;
  const height = isOpen(size.ranges?.height) ? HEIGHT : size.height;
  const width = isOpen(size.ranges?.width) ? WIDTH : size.width;
  const inputs = graph.input.map((value) => declare('input', value, [BATCH, size.channels ?? COLORS, height, width]));
  const symbols = new Set(input.shape.filter((dim) => typeof dim === 'string'));
  const outputs = graph.output.map((value) => declare('output', value, servedShape(value, comparison, symbols)));
  const stale = changes.length > before ? graph.valueInfo.length : 0;
  if (stale > 0) changes.push(`cleared the declared shapes of ${stale} values inside the graph`);
  const valueInfo = stale > 0 ? [] : graph.valueInfo;
  return { ...model, graph: { ...graph, input: inputs, output: outputs, valueInfo } };
}

/** The shape of an output: inferred where the rules reach, else as declared, less what came from the old sizes. */
function servedShape(value: ValueInfoProto, { served }: Comparison, inputSymbols: ReadonlySet<DeclaredDim>) {
  const shapes = served.map(({ shapeOf }) => shapeOf(value.name));
  const declared = declaredShape(value);
  if (shapes.includes(null)) {
    return declared?.map((dim) => (typeof dim === 'string' && !inputSymbols.has(dim) ? dim : null)) ?? null;
  }
  const shape = (shapes[0] ?? []).map((dim, axis) => {
    const follows = (size: (probe: Probe) => number | null) =>
      served.every((probe, index) => shapes[index]?.[axis] === size(probe));
    if (follows(() => dim)) return dim;
    if (follows(({ batch }) => batch)) return BATCH;
    if (follows(({ height }) => height)) return HEIGHT;
    return follows(({ width }) => width) ? WIDTH : null;
  });
  const isKnown = shapes.every((dims) => typeof dims?.[0] === 'number');
  if (shape.length === 0 || (isKnown && shape[0] !== BATCH)) {
    const folds = shape[0] === null;
    throw invalid(
      `Output '${value.name}' is ${shapeText(shape)} ${folds ? 'with several rows a picture' : 'whatever the batch'}: ` +
        `its first dim must be the batch. ${folds ? 'Reshape it to [batch, rows, values] in the network, or export' : 'Export'} ` +
        'the model with dynamic_axes on dim 0 of the input and of every output.',
    );
  }
  return shape;
}

function withShape(value: ValueInfoProto, shape: readonly DeclaredDim[] | null): ValueInfoProto {
  const type = value.type ?? TypeProto.fromPartial({});
  const tensorType = type.tensorType ?? TypeProto_Tensor.fromPartial({});
  return {
    ...value,
    type: {
      ...type,
      tensorType: { ...tensorType, shape: shape === null ? undefined : { dim: shape.map(dimension) } },
    },
  };
}

function refusal(node: NodeProto, reason: string): ServingError {
  return invalid(`${nodeLabel(node)} keeps the model from other batches or sizes: ${reason}.`);
}

function invalid(message: string): ServingError {
  return new ServingError('MODEL_INVALID', message);
}
