import type { NodeProto, TensorProto } from '../../gen/onnx/onnx.js';

/** Sizes of a tensor; a dim is null where no rule knows it. The whole shape is null where not even the rank is known. */
export type Shape = readonly (number | null)[];

/** The elements of a small tensor that takes part in shape arithmetic. */
export interface Value {
  readonly numbers: readonly number[];
  readonly integer: boolean;
}

/** What a rule sees of a node. */
export interface NodeView {
  readonly node: NodeProto;
  readonly opset: number;
  /** Shape of the n-th input, null where unknown or left out. */
  readonly shape: (index: number) => Shape | null;
  /** Elements of the n-th input, null where they are not known before the model runs. */
  readonly value: (index: number) => Value | null;
  readonly int: (name: string, byDefault: number) => number;
  readonly ints: (name: string) => readonly number[] | null;
  readonly text: (name: string, byDefault: string) => string;
  readonly tensor: (name: string) => TensorProto | null;
}

/** Shapes of the outputs of a node; throws ShapeConflict where the node cannot take such inputs. */
export type ShapeRule = (view: NodeView) => readonly (Shape | null)[];
/** Elements of the one output of a node, or null. */
export type ValueRule = (view: NodeView) => Value | null;

/** The inputs of a node contradict each other or its attributes. */
export class ShapeConflict extends Error {
  override readonly name = 'ShapeConflict';
}
