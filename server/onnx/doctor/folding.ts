import type { GraphProto, NodeProto } from '../../gen/onnx/onnx.js';
import { constantAt } from '../fixes/fold-shapes.js';
import { normalisedConvs } from '../fixes/fold-batch-norm.js';
import { combinedOrder, isPass, isTraining, pairsOf } from '../fixes/simplify.js';
import { initializerNames, type OnnxModel } from '../graph.js';
import type { DoctorContext, Observation } from './finding.js';
import { placesOf, type Place } from './places.js';

const about = { rule: 'R14', fixable: false } as const;
const RUNTIME_FOLDS = 'Runtimes fold most of it when they load; others, and other tools, see every node.';
const SIMPLIFY = 'Export with do_constant_folding=True and in evaluation mode.';

/** Weights in 8 bits are meant to be converted when they are used, and chance differs every time. */
const NOT_CONSTANT = /QuantizeLinear$|^Random|^Multinomial$|^Bernoulli$|^If$|^Loop$|^Scan$/;

/** R14: what could have been computed, or left out, when the file was written. */
export function checkFolding(model: OnnxModel, context: DoctorContext): Observation[] {
  const places = [...placesOf(model.graph)];
  const { graph } = model;
  const some = (
    nodes: readonly NodeProto[],
    severity: Observation['severity'],
    what: string,
    why: string,
    fix: string,
  ) => {
    const [first] = nodes;
    return first === undefined
      ? []
      : [{ ...about, severity, node: first, message: `${nodes.length} ${what}`, why, fix }];
  };
  const info = (nodes: readonly NodeProto[], what: string) => some(nodes, 'info', what, RUNTIME_FOLDS, SIMPLIFY);
  const matching = (holds: (place: Place) => boolean) => places.filter(holds).map(({ node }) => node);
  const constant = constantNodes(graph, context);
  return [
    ...some(
      matching((place) => isTraining(place.node, graph)),
      'error',
      'nodes behave as in training',
      'Results depend on the other pictures of the batch, or on chance; TensorRT refuses the model.',
      'Export with model.eval() and training=TrainingMode.EVAL.',
    ),
    ...info(
      matching(({ node }) => node.opType === 'Constant'),
      'constants are nodes instead of initializers',
    ),
    ...info(
      matching((place) => isPass(place.node, place.graph)),
      'nodes hand on what they are given (Identity, Dropout)',
    ),
    ...info(
      normalisedConvs(graph).map(({ norm }) => norm),
      'normalisations could be part of the convolution in front of them',
    ),
    ...info(places.length === 0 ? [] : inAll(graph, places, 'Cast'), 'casts follow a cast'),
    ...info(inAll(graph, places, 'Transpose'), 'transpositions follow a transposition'),
    ...info(
      constant.filter(({ opType }) => opType === 'Shape'),
      'nodes read a shape that is always the same',
    ),
    ...info(
      constant.filter(({ opType }) => opType !== 'Shape'),
      'nodes compute from constants alone',
    ),
  ];
}

/** The second of each pair of nodes of a kind that follow one another. */
function inAll(graph: GraphProto, places: readonly Place[], opType: string): NodeProto[] {
  const graphs = new Set([graph, ...places.map((place) => place.graph)]);
  return [...graphs].flatMap((one) =>
    pairsOf(one, opType)
      .filter((pair) => opType !== 'Transpose' || combinedOrder(pair) !== null)
      .map(({ second }) => second),
  );
}

/** Nodes of the main graph whose result is known beforehand, for every batch. */
function constantNodes(graph: GraphProto, { comparison }: DoctorContext): NodeProto[] {
  const known = new Set(initializerNames(graph));
  return graph.node.filter((node) => {
    if (node.opType === 'Constant') {
      node.output.forEach((name) => known.add(name));
      return false;
    }
    const isOutput = graph.output.some(({ name }) => node.output.includes(name));
    const isShape = node.opType === 'Shape';
    const takesConstants = node.input.length > 0 && node.input.every((name) => name === '' || known.has(name));
    const isFixed = comparison !== null && constantAt(node.output[0] ?? '', comparison.graph, comparison) !== null;
    if (isOutput || NOT_CONSTANT.test(node.opType) || !(isShape ? isFixed : takesConstants)) return false;
    node.output.forEach((name) => known.add(name));
    return true;
  });
}
