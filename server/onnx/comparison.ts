import type { GraphProto } from '../gen/onnx/onnx.js';
import { opsetOf, type DeclaredDim, type OnnxModel } from './graph.js';
import { COLORS, type ImageInput } from './image-input.js';
import { inferShapes, type Inference } from './shape-inference.js';

/** Size of the network input, in pixels. */
export interface InputSize {
  readonly width: number;
  readonly height: number;
}

/** Sizes that a dim may take, in pixels: both ends included, and the one that matters most. */
export interface PixelRange {
  readonly min: number;
  readonly opt: number;
  readonly max: number;
}

/** What a model is served at. */
export interface ServedSize extends InputSize {
  /** Of the input tensor. @default 3 */
  readonly channels?: number;
  /**
   * Leaves height and width open, as symbols, for all sizes between; one whose min is its max is fixed.
   * @default both fixed
   */
  readonly ranges?: { readonly height: PixelRange; readonly width: PixelRange };
}

/** The graph with the shapes that it has for one shape of its input. */
export interface Probe extends InputSize, Inference {
  readonly batch: number;
}

/**
 * A graph with the sizes it was exported for beside the same graph with sizes it shall serve. The first two of those
 * differ in their batch alone, which are primes: a dim follows the batch exactly if it is divisible by both and scales
 * with them. The others, where sizes stay open, are the ends of the ranges.
 */
export interface Comparison {
  /** As it is brought to the served sizes. */
  readonly graph: GraphProto;
  /** As it was: with the size to be served, and a batch of 1, where the file leaves them open. */
  readonly exported: Probe;
  readonly served: readonly [Probe, Probe, ...Probe[]];
}

const BATCH = 7;
const OTHER_BATCH = 11;

/** `mostElements`: values of more are not computed. */
export function compareSizes(model: OnnxModel, input: ImageInput, size: ServedSize, mostElements?: number): Comparison {
  const [batch, , height, width] = input.shape;
  const sizeOr = (dim: DeclaredDim, otherwise: number) => (typeof dim === 'number' ? dim : otherwise);
  const was = { ...size, height: sizeOr(height, size.height), width: sizeOr(width, size.width) };
  const exported = probe(model, input, sizeOr(batch, 1), was, mostElements);
  return { graph: model.graph, exported, served: servedProbes(model, input, size, mostElements) };
}

/** The comparison of a model that has been brought nearer to the served sizes, and no longer works at the exported ones. */
export function compareAgain(
  { exported }: Comparison,
  model: OnnxModel,
  input: ImageInput,
  size: ServedSize,
): Comparison {
  return { graph: model.graph, exported, served: servedProbes(model, input, size) };
}

function probe(model: OnnxModel, { name }: ImageInput, batch: number, size: ServedSize, mostElements?: number): Probe {
  const { channels = COLORS, height, width } = size;
  const inputs = new Map([[name, [batch, channels, height, width]]]);
  const inference = inferShapes(model.graph, opsetOf(model), inputs, mostElements);
  return { batch, height, width, ...inference };
}

function servedProbes(
  model: OnnxModel,
  input: ImageInput,
  size: ServedSize,
  mostElements?: number,
): Comparison['served'] {
  return [
    probe(model, input, BATCH, size, mostElements),
    probe(model, input, OTHER_BATCH, size, mostElements),
    ...endsOf(size).map((end, index) =>
      probe(model, input, index % 2 === 0 ? BATCH : OTHER_BATCH, { ...size, ...end }, mostElements),
    ),
  ];
}

/** Sizes that tell whether a graph follows the ranges: all ends, height and width apart. */
function endsOf({ width, height, ranges }: ServedSize): InputSize[] {
  if (ranges === undefined) return [];
  const ends = [
    { height: ranges.height.opt, width: ranges.width.opt },
    { height: ranges.height.min, width: ranges.width.min },
    { height: ranges.height.max, width: ranges.width.max },
    { height: ranges.height.min, width: ranges.width.max },
    { height: ranges.height.max, width: ranges.width.min },
  ];
  return ends.filter(
    (end, index) =>
      !(end.width === width && end.height === height) &&
      ends.findIndex((other) => other.width === end.width && other.height === end.height) === index,
  );
}
