import type { NodeProto, TensorProto } from '../gen/onnx/onnx.js';
import type { Comparison } from './comparison.js';

/** A constant that makes a node follow once it is among its inputs. */
export interface Replacement {
  readonly kind: 'replace';
  /** In words, for people: `target [1, -1] -> [0, -1]`. */
  readonly change: string;
  /** Begins the name of the constant. */
  readonly role: string;
  constant(name: string): TensorProto;
  inputs(name: string): string[];
}

export interface Refusal {
  readonly kind: 'refuse';
  readonly reason: string;
}

/** What becomes of a node at other sizes than those of the export. */
export type Verdict =
  | { readonly kind: 'follows' }
  | Replacement
  /** One of these: the node alone does not tell which, the rest of the graph may. */
  | { readonly kind: 'choose'; readonly options: readonly Replacement[] }
  | Refusal;

export type Judge = (node: NodeProto, comparison: Comparison) => Verdict;

export const FOLLOWS: Verdict = { kind: 'follows' };

export function refuse(reason: string): Refusal {
  return { kind: 'refuse', reason };
}
