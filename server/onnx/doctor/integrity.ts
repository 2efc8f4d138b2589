import type { GraphProto, NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { graphsOf, initializerNames, tensorsOf, usedNames, type OnnxModel } from '../graph.js';
import { elementCount, elementSize, shapeOfTensor } from '../tensor.js';
import { checkExternalData } from './external-data.js';
import type { DoctorContext, Observation } from './finding.js';

const about = { rule: 'R18', severity: 'error', node: null, fixable: false } as const;
const EXPORT_AGAIN = 'Export the model again; run onnx.checker on it if it was edited.';

/** R18: names that are there once, values that somebody produces before they are taken, weights as long as they say. */
export function checkIntegrity(model: OnnxModel, context: DoctorContext): Observation[] {
  return [
    ...duplicateValues(model.graph),
    ...duplicateNodes(model.graph),
    ...missingProducers(model.graph),
    ...emptyNames(model.graph),
    ...[...tensorsOf(model.graph)].flatMap(checkLength),
    ...unusedWeights(model.graph),
    ...checkExternalData(model, context),
    ...unknownShapes(model, context),
  ];
}

/** Every value has one origin: an input, an initializer (which may also be an input) or a node. */
function duplicateValues(graph: GraphProto): Observation[] {
  const origins = [
    ...new Set([...graph.input.map(({ name }) => name), ...initializerNames(graph)]),
    ...graph.node.flatMap(({ output }) => output.filter((name) => name !== '')),
  ];
  const twice = [...repeated(origins), ...repeated(graph.initializer.map(({ name }) => name))];
  return [...new Set(twice)].map((name) => ({
    ...about,
    message: `the value '${name}' is produced more than once`,
    why: 'Which of them counts is not said.',
    fix: EXPORT_AGAIN,
  }));
}

function duplicateNodes(graph: GraphProto): Observation[] {
  const names = repeated(graph.node.map(({ name }) => name).filter((name) => name !== ''));
  return names.map((name) => ({
    ...about,
    severity: 'info' as const,
    message: `several nodes are called '${name}'`,
    why: 'Messages and profiles cannot tell them apart.',
    fix: null,
  }));
}

/** `outer`: the values around a graph that is inside a node. */
function missingProducers(graph: GraphProto, outer: ReadonlySet<string> = new Set()): Observation[] {
  const known = new Set(['', ...outer, ...graph.input.map(({ name }) => name), ...initializerNames(graph)]);
  const later = new Set(graph.node.flatMap(({ output }) => output));
  const findings: Observation[] = [];
  for (const node of graph.node) {
    for (const name of node.input.filter((input) => !known.has(input))) {
      findings.push({
        ...about,
        node,
        message: later.has(name)
          ? `its input '${name}' is only produced after it`
          : `nobody produces its input '${name}'`,
        why: isOnCycle(node, graph)
          ? 'It takes, by way of other nodes, what it makes itself: such a graph cannot run.'
          : 'Nodes must be in the order in which they can run.',
        fix: EXPORT_AGAIN,
      });
    }
    for (const { g } of node.attribute) if (g !== undefined) findings.push(...missingProducers(g, known));
    node.output.forEach((name) => known.add(name));
  }
  for (const { name } of graph.output.filter((output) => !known.has(output.name))) {
    findings.push({
      ...about,
      message: `nobody produces the output '${name}'`,
      why: 'The runtime refuses the model.',
      fix: EXPORT_AGAIN,
    });
  }
  return findings;
}

function isOnCycle(node: NodeProto, graph: GraphProto): boolean {
  const own = new Set(node.output);
  const producers = new Map(graph.node.flatMap((one) => one.output.map((name) => [name, one] as const)));
  const seen = new Set<string>();
  const queue = [...node.input];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (own.has(name)) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...(producers.get(name)?.input ?? []));
  }
  return false;
}

/** From where on shapes are not known: nothing can be checked or rewritten behind it. */
function unknownShapes({ graph }: OnnxModel, { served }: DoctorContext): Observation[] {
  if (served === null) return [];
  const isLost = (node: NodeProto) => node.output.some((name) => name !== '' && served.shapeOf(name) === null);
  const lost = graph.node.filter(isLost);
  const first = lost.find(({ input }) => input.every((name) => name === '' || served.shapeOf(name) !== null));
  const conflicts = new Set(served.conflicts.map(({ node }) => node));
  if (first === undefined || conflicts.has(first)) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `the shapes of the results of ${lost.length} nodes are not known, from here on`,
      why: 'What holds a batch or a size behind it cannot be found, nor rewritten for another.',
      fix: null,
    },
  ];
}

function emptyNames(graph: GraphProto): Observation[] {
  const places = Object.entries({ inputs: graph.input, outputs: graph.output, weights: graph.initializer });
  return places.flatMap(([place, values]) => {
    const count = values.filter(({ name }) => name === '').length;
    if (count === 0) return [];
    const message = `${count} of the ${place} have no name`;
    return [{ ...about, message, why: 'They cannot be fed, read or referred to.', fix: EXPORT_AGAIN }];
  });
}

function checkLength(tensor: TensorProto): Observation[] {
  const size = elementSize(tensor.dataType);
  const expected = elementCount(tensor) * (size ?? 0);
  if (size === null || tensor.rawData.length === 0 || tensor.rawData.length === expected) return [];
  return [
    {
      ...about,
      message: `weight '${tensor.name}' ${shapeOfTensor(tensor)} has ${tensor.rawData.length} bytes instead of ${expected}`,
      why: 'The file is damaged.',
      fix: 'Fetch or export the model again.',
    },
  ];
}

function unusedWeights(graph: GraphProto): Observation[] {
  const used = usedNames(graph);
  const unused = [...graphsOf(graph)].flatMap(({ initializer }) => initializer).filter(({ name }) => !used.has(name));
  const [first] = unused;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      message: `${unused.length} weights are used by no node, '${first.name}' among them`,
      why: 'They cost memory, and the runtime logs a line for each.',
      fix: 'Leave them out of the export.',
      fixable: true,
    },
  ];
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.has(name) || !seen.add(name)))];
}
