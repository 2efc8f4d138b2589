import { node, valueInfo } from './builder.js';
import { declaredShape, fedInputs, graphsOf, shapeText, type OnnxModel } from './graph.js';
import { COLORS } from './image-input.js';

/** Whether a shape is [batch, height, width, 3]. */
function isNhwc(shape: ReturnType<typeof declaredShape>): boolean {
  return shape?.length === 4 && shape[1] !== COLORS && shape[3] === COLORS;
}

/**
 * The model with an NCHW input in place of one that is NHWC, as TensorFlow exports it: a Transpose gives the graph what it
 * took before. Runtimes merge it with the one that such graphs usually begin with. Other models stay as they are.
 */
export function takeNchw(model: OnnxModel, changes: string[]): OnnxModel {
  const { graph } = model;
  const [input, ...others] = fedInputs(graph);
  const shape = input === undefined ? null : declaredShape(input);
  if (input === undefined || others.length > 0 || shape === null || !isNhwc(shape)) return model;
  const [batch = null, height = null, width = null, channels = null] = shape;
  const name = freshName(model, `${input.name}_nchw`);
  changes.push(
    `input '${input.name}': NHWC ${shapeText(shape)} -> NCHW, by a Transpose behind the new input '${name}'`,
  );
  const nchw = valueInfo(name, [batch, channels, height, width], input.type?.tensorType?.elemType);
  return {
    ...model,
    graph: {
      ...graph,
      input: graph.input.map((value) => (value === input ? nchw : value)),
      node: [node('Transpose', [name], [input.name], { perm: [0, 2, 3, 1] }), ...graph.node],
    },
  };
}

function freshName({ graph }: OnnxModel, wanted: string): string {
  const taken = new Set<string>();
  for (const { node: nodes, input, initializer } of graphsOf(graph)) {
    for (const { output } of nodes) output.forEach((name) => taken.add(name));
    for (const { name } of [...input, ...initializer]) taken.add(name);
  }
  let name = wanted;
  while (taken.has(name)) name += '_';
  return name;
}
