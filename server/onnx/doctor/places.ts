import type { GraphProto, NodeProto } from '../../gen/onnx/onnx.js';
import { nodeLabel } from '../graph.js';

/** A node, the graph that it is in, and where that is. */
export interface Place {
  readonly node: NodeProto;
  readonly graph: GraphProto;
  /** `node 12 of 240`, or `node 2 of 5 in the body of Loop 'x'`. */
  readonly text: string;
  /** Whether it is inside another node (If, Loop, Scan). */
  readonly isInner: boolean;
}

/** Every node of a graph and of the graphs inside its nodes. */
export function* placesOf(graph: GraphProto, inside = ''): Generator<Place> {
  for (const [index, node] of graph.node.entries()) {
    yield { node, graph, text: `node ${index + 1} of ${graph.node.length}${inside}`, isInner: inside !== '' };
    for (const { name, g, graphs } of node.attribute) {
      for (const inner of [...(g === undefined ? [] : [g]), ...graphs]) {
        yield* placesOf(inner, ` in the ${name} of ${nodeLabel(node)}`);
      }
    }
  }
}

/** All nodes, those inside other nodes too. */
export function allNodes(graph: GraphProto): NodeProto[] {
  return [...placesOf(graph)].map(({ node }) => node);
}
