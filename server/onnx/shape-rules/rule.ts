import type { NodeProto, TensorProto } from '../../gen/onnx/onnx.js';

/** Sizes of a tensor; a dim is null where no rule knows it. The whole shape is null where not even the rank is known. */
export type Shape = readonly (number | null)[];

/** The elements of a small tensor, row-major. */
export interface Elements {
  readonly numbers: readonly number[];
  /** Element type, a number of `DataType`. Truth values are 0 and 1. */
  readonly type: number;
}

/** A small tensor that takes part in shape arithmetic, or is a constant. */
export interface Value extends Elements {
  readonly dims: readonly number[];
}

/** What a rule sees of a node. */
export interface NodeView {
  readonly node: NodeProto;
  readonly opset: number;
  /** Shape of the n-th input, null where unknown or left out. */
  readonly shape: (index: number) => Shape | null;
  /** The n-th input, null where its elements are not known before the model runs. */
  readonly value: (index: number) => Value | null;
  readonly int: (name: string, byDefault: number) => number;
  readonly ints: (name: string) => readonly number[] | null;
  readonly text: (name: string, byDefault: string) => string;
  readonly tensor: (name: string) => TensorProto | null;
}

/** Shapes of the outputs of a node; throws ShapeConflict where the node cannot take such inputs. */
export type ShapeRule = (view: NodeView) => readonly (Shape | null)[];
/** Elements of the one output of a node, whose dims are the sizes that its shape rule gave; or null. */
export type ValueRule = (view: NodeView, dims: readonly number[]) => Elements | null;

/** The inputs of a node contradict each other or its attributes. */
export class ShapeConflict extends Error {
  override readonly name = 'ShapeConflict';
}
