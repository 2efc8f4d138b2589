import { quoted, ServingError } from '../../core/errors.js';
import { classified } from '../../core/open-inference/classified.js';
import type { AskedTensors } from '../../core/open-inference/infer-request.js';
import type { SharedOutputs } from '../../core/open-inference/shared-outputs.js';
import type { SharedMemory, SharedPlace } from '../../core/shared-memory.js';
import { datatypeOf, invalid, type Datatype, type Tensor } from '../../core/tensors.js';
import type {
  ModelInferRequest,
  ModelInferRequest_InferInputTensor as InputMessage,
  ModelInferResponse,
} from '../../gen/inference/grpc_service.js';
import { readInteger, readSequence } from './parameters.js';
import { readPlace, writePlace } from './shared-places.js';
import { rawContents } from './typed-contents.js';

/** A request for tensors as it is read. */
export interface ReadRequest extends AskedTensors {
  /** Outputs of which only the best classes are wanted, and how many. */
  readonly classifications: ReadonlyMap<string, number>;
  /** Outputs that are to be written to shared memory, and where. */
  readonly places: ReadonlyMap<string, SharedPlace>;
}

/**
 * Reads a request; raw inputs alias the message, those in shared memory are copied. `memory` null: there is none. Throws
 * INVALID_REQUEST that names the tensor, or as SharedMemory.read.
 */
export function readInferRequest(request: ModelInferRequest, memory: SharedMemory | null): ReadRequest {
  const classifications = new Map<string, number>();
  const places = new Map<string, SharedPlace>();
  const outputs = request.outputs.map(({ name, parameters }) => {
    const place = readPlace(name, parameters);
    if (place !== null) {
      requireMemory(name, memory);
      places.set(name, place);
    }
    const count = readInteger(parameters, 'classification');
    if (count !== null) classifications.set(name, count);
    return name;
  });
  return {
    inputs: readInputs(request, memory),
    outputs,
    priority: readInteger(request.parameters, 'priority') ?? 0,
    timeout: readInteger(request.parameters, 'timeout'),
    sequence: readSequence(request.parameters),
    classifications,
    places,
  };
}

function readInputs({ inputs, rawInputContents: raw }: ModelInferRequest, memory: SharedMemory | null): Tensor[] {
  const places = inputs.map(({ name, parameters }) => readPlace(name, parameters));
  const sent = places.filter((place) => place === null).length;
  if (raw.length > 0 && raw.length !== sent) {
    throw new ServingError(
      'INVALID_REQUEST',
      `raw_input_contents has ${raw.length} entries for ${sent} inputs; give one for each that is not in shared memory, or none`,
    );
  }
  let next = 0;
  return inputs.map((input, index) => {
    const { name } = input;
    const datatype = requireDatatype(input);
    const tensor = { name, datatype, shape: input.shape.map(Number) };
    const place = places[index]!;
    if (place !== null) return { ...tensor, data: sharedInput(input, place, memory) };
    return {
      ...tensor,
      data: raw.length > 0 ? rawInput(input, raw[next++]!) : typedInput(input, tensor.shape, datatype),
    };
  });
}

function sharedInput({ name, contents }: InputMessage, place: SharedPlace, memory: SharedMemory | null): Uint8Array {
  if (contents !== undefined) throw invalid(name, 'has contents beside its shared_memory_region; send one of the two');
  return requireMemory(name, memory).read(place);
}

function requireMemory(name: string, memory: SharedMemory | null): SharedMemory {
  if (memory !== null) return memory;
  throw invalid(name, 'has a shared_memory_region, which takes --allow-client-shm true; send it in the message');
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

const NO_BYTES = new Uint8Array(0);

/** The model that has answered. */
export interface Answering {
  readonly name: string;
  readonly version: number;
  readonly labelsOf: (output: string) => readonly string[];
  /** Whether the first dim of its tensors is the batch. */
  readonly batched: boolean;
}

/** The answer to a request; the outputs' bytes are not copied, or go where `shared` has room. Throws INVALID_REQUEST. */
export function writeInferResponse(
  id: string,
  tensors: readonly Tensor[],
  { classifications }: ReadRequest,
  { name, version, labelsOf, batched }: Answering,
  shared: SharedOutputs | null,
): ModelInferResponse {
  const told =
    classifications.size === 0
      ? tensors
      : tensors.map((output) => {
          const count = classifications.get(output.name);
          return count === undefined ? output : classified(output, count, labelsOf(output.name), batched);
        });
  const places = told.map((output) => shared?.put(output) ?? null);
  return {
    modelName: name,
    modelVersion: String(version),
    id,
    parameters: {},
    outputs: told.map((output, index) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape.map(BigInt),
      parameters: places[index] ? writePlace(places[index]) : {},
      contents: undefined,
    })),
    // Clients look for the contents of an output at its place among all outputs.
    rawOutputContents: told.map(({ data }, index) => (places[index] ? NO_BYTES : data)),
  };
}
