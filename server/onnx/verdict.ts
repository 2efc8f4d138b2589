import type { NodeProto, TensorProto } from '../gen/onnx/onnx.js';
import type { Comparison } from './comparison.js';

/** What becomes of a node at other sizes than those of the export. */
export type Verdict =
  | { readonly kind: 'follows' }
  /** It follows once it has this constant among these inputs. */
  | {
      readonly kind: 'replace';
      /** In words, for people: `target [1, -1] -> [0, -1]`. */
      readonly change: string;
      /** Begins the name of the constant. */
      readonly role: string;
      constant(name: string): TensorProto;
      inputs(name: string): string[];
    }
  | { readonly kind: 'refuse'; readonly reason: string };

export type Judge = (node: NodeProto, comparison: Comparison) => Verdict;

export const FOLLOWS: Verdict = { kind: 'follows' };

export function refuse(reason: string): Verdict {
  return { kind: 'refuse', reason };
}
