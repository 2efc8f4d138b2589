import { ServingError } from '../errors.js';
import { datatypeOfConfig } from '../tensors-config.js';
import { elementBytes, requireData, type Tensor } from '../tensors.js';
import type { SequenceConfig, StateConfig } from './sequence-config.js';
import type { SequenceMemory } from './sequence-step.js';

/** The files of initial states, by name. */
export type StateFiles = ReadonlyMap<string, Uint8Array>;

/** An output that is an input of the next request. */
export interface State {
  readonly input: string;
  readonly output: string;
  /** What a sequence begins with: one row. */
  readonly initial: Tensor;
}

/** Throws MODEL_INVALID where a file does not fit its state. */
export function statesOf({ state: states }: SequenceConfig, batched: boolean, files: StateFiles): State[] {
  return states.map((state) => {
    return { input: state.input_name, output: state.output_name, initial: initialOf(state, batched, files) };
  });
}

function initialOf(
  { input_name: name, data_type: type, dims, initial_state: [said] }: StateConfig,
  batched: boolean,
  files: StateFiles,
): Tensor {
  const own = (said?.dims ?? dims).map((dim) => (dim === -1 ? 1 : dim));
  const shape = batched ? [1, ...own] : own;
  const datatype = datatypeOfConfig(type);
  if (said?.data_file === undefined) return zeros({ name, datatype, shape });
  const tensor = { name, datatype, shape, data: files.get(said.data_file)! };
  try {
    requireData(tensor);
  } catch (cause) {
    const { message } = ServingError.from(cause);
    throw new ServingError('MODEL_INVALID', `initial_state/${said.data_file} does not fit: ${message}`, { cause });
  }
  return tensor;
}

/** Zeros, or empty texts, in the shape of a tensor. */
export function zeros({ name, datatype, shape }: Omit<Tensor, 'data'>): Tensor {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { name, datatype, shape, data: new Uint8Array(count * (elementBytes(datatype) ?? 4)) };
}

/** The states that a request is given. They are copies: a request that fails leaves what its sequence has as it was. */
export function stateTensors(states: readonly State[], memory: SequenceMemory): Tensor[] {
  return states.map(({ initial }, index) => {
    const tensor = memory.states?.[index] ?? initial;
    return { ...tensor, data: new Uint8Array(tensor.data) };
  });
}

/** Keeps what a request was answered with for the next one of its sequence. */
export function remember(states: readonly State[], memory: SequenceMemory, outputs: readonly Tensor[]): void {
  memory.states = states.map(({ input, output }) => {
    const tensor = outputs.find(({ name }) => name === output)!;
    const { data } = tensor;
    // A view of a whole batch would keep all of its rows.
    const own = data.length === data.buffer.byteLength ? data : new Uint8Array(data);
    return { ...tensor, name: input, data: own };
  });
  const grown = memory.states.some(({ shape }, index) => shape.join() !== states[index]!.initial.shape.join());
  memory.key = grown ? memory.states.map(({ shape }) => shape.join()).join('|') : '';
}
