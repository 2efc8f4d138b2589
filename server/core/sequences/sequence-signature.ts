import { ServingError } from '../errors.js';
import type { DeclaredTensor } from '../tensors-config.js';
import { shapeText, type Datatype, type TensorSignature, type TensorSpec } from '../tensors.js';
import type { Control } from './control-tensors.js';
import type { State } from './state-tensors.js';

/**
 * The tensors of a model as requests see them: without the inputs that the server fills in, and without the states, unless
 * they are `answered`. Throws MODEL_INVALID with all that the model file does not have.
 */
export function visibleSignature(
  { inputs, outputs, batched }: TensorSignature,
  controls: readonly Control[],
  states: readonly State[],
  answered: readonly DeclaredTensor[],
): TensorSignature {
  const problems = [
    ...controls.flatMap(({ name, datatype }) => {
      return problemsOf('input', inputs, { name, datatype, shape: batched ? [-1, 1] : [1] });
    }),
    ...states.flatMap(({ input, output, initial: { datatype, shape } }) => {
      const whole = batched ? [-1, ...shape.slice(1)] : shape;
      return [
        ...problemsOf('input', inputs, { name: input, datatype, shape: whole }),
        ...problemsOf('output', outputs, { name: output, datatype, shape: null }),
      ];
    }),
  ];
  if (problems.length > 0) {
    throw new ServingError('MODEL_INVALID', `sequence_batching does not fit the model file: ${problems.join('; ')}`);
  }
  const filled = new Set([...controls.map(({ name }) => name), ...states.map(({ input }) => input)]);
  const kept = new Set(states.map(({ output }) => output));
  for (const { name } of answered) kept.delete(name);
  return {
    batched,
    inputs: inputs.filter(({ name }) => !filled.has(name)),
    outputs: outputs.filter(({ name }) => !kept.has(name)),
  };
}

function problemsOf(side: 'input' | 'output', specs: readonly TensorSpec[], wanted: TensorSpec): string[] {
  const { name } = wanted;
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec === undefined) {
    return [`${side} ${name} is not there; the ${side}s are ${specs.map((known) => known.name).join(', ')}`];
  }
  if (spec.datatype === wanted.datatype && fits(spec.shape, wanted.shape)) return [];
  return [`${side} ${name} is ${describe(spec.datatype, spec.shape)}, not ${describe(wanted.datatype, wanted.shape)}`];
}

function fits(model: TensorSpec['shape'], wanted: TensorSpec['shape']): boolean {
  if (model === null || wanted === null) return true;
  return model.length === wanted.length && model.every((dim, axis) => dim === -1 || dim === wanted[axis]);
}

function describe(datatype: Datatype, shape: TensorSpec['shape']): string {
  return shape === null ? datatype : `${datatype} ${shapeText(shape)}`;
}
