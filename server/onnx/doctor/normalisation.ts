import type { NodeProto } from '../../gen/onnx/onnx.js';
import { activationsOf } from '../activations.js';
import { constantTensor } from '../constants.js';
import { attributeOf, fedInputs, type OnnxModel } from '../graph.js';
import type { DoctorContext, Observation } from './finding.js';

const about = { rule: 'R16', fixable: false } as const;
const ARITHMETIC: ReadonlySet<string> = new Set(['Div', 'Mul', 'Sub', 'Add']);

/** R16: what the graph does itself of the pre- and post-processing, so that nobody does it again. */
export function checkNormalisation(model: OnnxModel, context: DoctorContext): Observation[] {
  return [...checkFirst(model, context), ...checkTurned(model), ...checkLast(model)];
}

/** Scaling by constants as the first thing that happens to the picture. */
function checkFirst(model: OnnxModel, { picture, options }: DoctorContext): Observation[] {
  const first = picture === null ? null : firstArithmetic(model, picture.name);
  if (first === null) return [];
  const isTwice = options.serving?.normalises === true;
  return [
    {
      ...about,
      severity: isTwice ? 'warning' : 'info',
      node: first,
      message: isTwice
        ? 'the graph scales the picture itself, and config.yaml does so too'
        : 'the graph scales the picture itself',
      why: isTwice
        ? 'Pixels are normalised twice, and the network sees next to nothing.'
        : 'Whoever scales the pixels before would do it twice.',
      fix: 'Keep scale 1, mean 0 and std 1 under `preprocess` in config.yaml.',
    },
  ];
}

function firstArithmetic({ graph }: OnnxModel, input: string): NodeProto | null {
  const takers = graph.node.filter((node) => node.input.includes(input));
  const [only, ...others] = takers;
  if (only === undefined || others.length > 0) return null;
  if (only.opType === 'Identity' || only.opType === 'Cast')
    return firstArithmetic({ graph } as OnnxModel, only.output[0] ?? '');
  const constants = only.input.filter((name) => name !== input);
  const isConstant = constants.length > 0 && constants.every((name) => constantTensor(graph, name) !== null);
  return ARITHMETIC.has(only.opType) && isConstant ? only : null;
}

/** Channels that come last and are turned round first. The model has its channels first already, by a turn of its own. */
function checkTurned({ graph }: OnnxModel): Observation[] {
  const [input, ...others] = fedInputs(graph);
  if (input === undefined || others.length > 0) return [];
  const turned = graph.node.find((node) => node.input[0] === input.name && isTranspose(node, '0,2,3,1'));
  const back = graph.node.find((node) => node.input[0] === turned?.output[0] && isTranspose(node, '0,3,1,2'));
  if (turned === undefined || back === undefined) return [];
  return [
    {
      ...about,
      severity: 'info',
      node: back,
      message: 'the picture has its channels last, and the graph turns them round first',
      why: 'The server lays pictures out with channels first, which is what the network wants inside.',
      fix: 'Export the network without the permute(0, 3, 1, 2) at its beginning.',
    },
  ];
}

function isTranspose(node: NodeProto, order: string): boolean {
  return node.opType === 'Transpose' && attributeOf(node, 'perm')?.ints.join() === order;
}

/** Activations that the outputs come out of. */
function checkLast({ graph }: OnnxModel): Observation[] {
  const found = new Map<NodeProto, string[]>();
  for (const { name } of graph.output) {
    for (const node of activationsOf(graph, name)) found.set(node, [...(found.get(node) ?? []), name]);
  }
  const [first] = found.keys();
  if (first === undefined) return [];
  const outputs = [...new Set([...found.values()].flat())].map((name) => `'${name}'`);
  const types = [...new Set([...found.keys()].map(({ opType }) => opType))].join(' and ');
  return [
    {
      ...about,
      severity: 'info',
      node: first,
      message: `${outputs.join(', ')} ${outputs.length > 1 ? 'come' : 'comes'} out of ${types}`,
      why: 'Numbers are scores already: a task that applies the activation itself would do it twice.',
      fix: null,
    },
  ];
}
