import { graphsOf, type OnnxModel } from './graph.js';

const OPERATORS: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** Whether the file says itself which tensors are 8 bits wide, so that nothing is left to be calibrated. */
export function hasQuantization({ graph }: OnnxModel): boolean {
  return [...graphsOf(graph)].some(({ node }) => node.some(({ opType }) => OPERATORS.has(opType)));
}
