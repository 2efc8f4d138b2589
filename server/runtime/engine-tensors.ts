import { ServingError } from '../core/errors.js';
import type { ModelConfig } from '../core/model-config.js';
import { shapeText, type Datatype, type TensorSpec } from '../core/tensors.js';
import type { ModelTensor, ModelTensors } from '../onnx/model-tensors.js';
import type { BuildProfile, InputRange, SizeRange } from './native-gpu.js';
import { requireBatch, type NetworkTensors } from './tensor-runner.js';

/** How a model whose tensors have no meaning here is built. */
export interface TensorBuild {
  /** Says whether there is a batch dimension. */
  readonly config: ModelConfig;
  readonly profiles: readonly BuildProfile[];
}

/** The types of ONNX that TensorRT has too. */
const TYPES: Readonly<Record<string, Datatype>> = {
  BOOL: 'BOOL',
  UINT8: 'UINT8',
  INT8: 'INT8',
  INT32: 'INT32',
  INT64: 'INT64',
  FLOAT16: 'FP16',
  BFLOAT16: 'BF16',
  FLOAT: 'FP32',
};

/**
 * Fits profiles to the inputs of a file. Throws MODEL_INVALID where a tensor is of a type that TensorRT lacks, has not the
 * batch that the configuration says, or a size that is open and in no profile.
 */
export function tensorBuild(file: ModelTensors, given: ModelConfig): TensorBuild {
  const tensors: NetworkTensors = {
    inputs: file.inputs.map((input) => specOf('input', input)),
    outputs: file.outputs.map((output) => specOf('output', output)),
  };
  // Nothing is known of an output without a shape: it is no reason to go without a batch.
  const told = { ...tensors, outputs: tensors.outputs.filter(({ shape }) => shape !== null) };
  requireBatch(told, given);
  const batched = given.batch_dimension ?? [...told.inputs, ...told.outputs].every(({ shape }) => shape?.[0] === -1);
  const config = { ...given, batch_dimension: batched };
  const profiles = given.tensorrt.profiles ?? [{}];
  return { config, profiles: profiles.map((profile) => profileOf(profile, tensors.inputs, config)) };
}

type ProfileConfig = NonNullable<ModelConfig['tensorrt']['profiles']>[number];
type SizesConfig = NonNullable<ProfileConfig['inputs']>[string];

const NO_BATCH: SizeRange = { min: 1, opt: 1, max: 1 };

function profileOf(
  { batch, inputs: said = {} }: Partial<ProfileConfig>,
  inputs: readonly TensorSpec[],
  { batch_dimension: batched, max_batch_size: most }: ModelConfig,
): BuildProfile {
  const names = inputs.map(({ name }) => name);
  const stranger = Object.keys(said).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw invalid(`tensorrt.profiles names the input '${stranger}'; the inputs are ${names.join(', ')}`);
  }
  const rows = batched === true ? (batch ?? { min: 1, opt: most, max: most }) : NO_BATCH;
  const ranges = inputs.map((input) => rangeOf(input, said[input.name], batched === true ? rows : null));
  return { batch: rows, height: null, width: null, inputs: ranges };
}

/** `rows` null: there is no batch dimension. */
function rangeOf({ name, shape }: TensorSpec, said: SizesConfig | undefined, rows: SizeRange | null): InputRange {
  if (shape === null)
    throw invalid(`input '${name}' tells no shape, and TensorRT needs its number of dims: export it so`);
  const sizes = rows === null ? shape : shape.slice(1);
  if (said !== undefined && said.min.length !== sizes.length) {
    const count = rows === null ? sizes.length : `${sizes.length} without the batch`;
    throw invalid(`input '${name}' is ${shapeText(shape)}: tensorrt.profiles must have ${count} sizes for it`);
  }
  const end = (of: 'min' | 'opt' | 'max'): number[] => [
    ...(rows === null ? [] : [rows[of]]),
    ...sizes.map((size, axis) => sizeAt(size, axis, of)),
  ];
  const sizeAt = (size: number, axis: number, of: 'min' | 'opt' | 'max'): number => {
    if (said === undefined) {
      if (size !== -1) return size;
      throw invalid(
        `input '${name}' is ${shapeText(shape)}, and TensorRT has to know how large its open dims get: write ` +
          `\`tensorrt: { profiles: [{ inputs: { ${name}: { min: [..], opt: [..], max: [..] } } }] }\`` +
          (rows === null ? '' : ', without the batch'),
      );
    }
    const found = said[of][axis]!;
    if (size === -1 || size === found) return found;
    throw invalid(
      `input '${name}' is ${shapeText(shape)}, and tensorrt.profiles asks for ${found} in place of ${size}`,
    );
  };
  return { name, min: end('min'), opt: end('opt'), max: end('max') };
}

function specOf(kind: string, { name, type, shape }: ModelTensor): TensorSpec {
  const datatype = TYPES[type];
  if (datatype === undefined) throw invalid(`${kind} '${name}' is ${type}, which TensorRT does not take`);
  return { name, datatype, shape: shape?.map((dim) => (typeof dim === 'number' ? dim : -1)) ?? null };
}

function invalid(message: string): ServingError {
  return new ServingError('MODEL_INVALID', message);
}
