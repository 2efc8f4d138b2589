import { quoted, ServingError } from '../../core/errors.js';
import { classified } from '../../core/open-inference/classified.js';
import type { AskedTensors } from '../../core/open-inference/infer-request.js';
import { datatypeOf, invalid, type Datatype, type Tensor } from '../../core/tensors.js';
import type {
  ModelInferRequest,
  ModelInferRequest_InferInputTensor as InputMessage,
  ModelInferResponse,
} from '../../gen/inference/grpc_service.js';
import { readInteger, readSequence } from './parameters.js';
import { refuseSharedMemory } from './shared-memory-calls.js';
import { rawContents } from './typed-contents.js';

/** A request for tensors as it is read. */
export interface ReadRequest extends AskedTensors {
  /** Outputs of which only the best classes are wanted, and how many. */
  readonly classifications: ReadonlyMap<string, number>;
}

/** Reads a request; raw inputs alias the message. Throws INVALID_REQUEST that names the tensor. */
export function readInferRequest(request: ModelInferRequest): ReadRequest {
  const classifications = new Map<string, number>();
  const outputs = request.outputs.map(({ name, parameters }) => {
    refuseSharedMemory(name, parameters);
    const count = readInteger(parameters, 'classification');
    if (count !== null) classifications.set(name, count);
    return name;
  });
  return {
    inputs: readInputs(request),
    outputs,
    priority: readInteger(request.parameters, 'priority') ?? 0,
    timeout: readInteger(request.parameters, 'timeout'),
    sequence: readSequence(request.parameters),
    classifications,
  };
}

function readInputs({ inputs, rawInputContents: raw }: ModelInferRequest): Tensor[] {
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw new ServingError(
      'INVALID_REQUEST',
      `raw_input_contents has ${raw.length} entries for ${inputs.length} inputs; give one for each, or none`,
    );
  }
  return inputs.map((input, index) => {
    const { name } = input;
    refuseSharedMemory(name, input.parameters);
    const datatype = requireDatatype(input);
    const tensor = { name, datatype, shape: input.shape.map(Number) };
    return {
      ...tensor,
      data: raw.length > 0 ? rawInput(input, raw[index]!) : typedInput(input, tensor.shape, datatype),
    };
  });
}

function requireDatatype({ name, datatype }: InputMessage): Datatype {
  const known = datatypeOf(datatype);
  if (known !== null) return known;
  throw invalid(name, `has the datatype ${quoted(datatype)}, which the protocol does not have`);
}

function rawInput({ name, contents }: InputMessage, data: Uint8Array): Uint8Array {
  if (contents === undefined) return data;
  throw invalid(name, 'has contents beside raw_input_contents; send one of the two');
}

function typedInput({ name, contents }: InputMessage, shape: readonly number[], datatype: Datatype): Uint8Array {
  return rawContents({ name, shape }, datatype, contents ?? NOTHING);
}

const NOTHING = {
  boolContents: [],
  intContents: [],
  int64Contents: [],
  uintContents: [],
  uint64Contents: [],
  fp32Contents: [],
  fp64Contents: [],
  bytesContents: [],
};

/** The model that has answered. */
export interface Answering {
  readonly name: string;
  readonly version: number;
  readonly labelsOf: (output: string) => readonly string[];
  /** Whether the first dim of its tensors is the batch. */
  readonly batched: boolean;
}

/** The answer to a request; the outputs' bytes are not copied. Throws INVALID_REQUEST. */
export function writeInferResponse(
  id: string,
  tensors: readonly Tensor[],
  { classifications }: ReadRequest,
  { name, version, labelsOf, batched }: Answering,
): ModelInferResponse {
  const told =
    classifications.size === 0
      ? tensors
      : tensors.map((output) => {
          const count = classifications.get(output.name);
          return count === undefined ? output : classified(output, count, labelsOf(output.name), batched);
        });
  return {
    modelName: name,
    modelVersion: String(version),
    id,
    parameters: {},
    outputs: told.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape.map(BigInt),
      parameters: {},
      contents: undefined,
    })),
    rawOutputContents: told.map(({ data }) => data),
  };
}
