import { quoted, ServingError } from '../../../core/errors.js';
import { datatypeOf, invalid, type Datatype } from '../../../core/tensors.js';
import type { RestAnswer, RestRequest } from '../../../core/open-inference/rest-exchange.js';
import {
  ModelInferRequest,
  type InferParameter,
  type ModelInferResponse,
} from '../../../gen/inference/grpc_service.js';
import { readPlace } from '../shared-places.js';
import { isObject, readJson, type Json } from './exact-json.js';
import { dataText, readData } from './json-tensors.js';

/** A request to infer, and how it wants its outputs. */
export interface InferBody {
  /** All its inputs are raw; those that came as binary data alias the body. */
  readonly message: ModelInferRequest;
  /** Whether an output is wanted as bytes behind the JSON. */
  readonly binary: (output: string) => boolean;
}

/** Reads the body of an inference. Throws INVALID_REQUEST. */
export function readInferBody({ model, version, body, headerLength }: RestRequest): InferBody {
  const end = readHeaderLength(headerLength, body.length);
  const json = readJson(body.subarray(0, end));
  const { binary_data_output: binaryOutput, ...parameters } = object(json['parameters'], 'parameters');
  const raw = new BinaryData(body.subarray(end));
  const inputs = list(json['inputs'], 'inputs').map((input) => readInput(input, raw));
  raw.requireEnd();
  const asBinary = new Map<string, boolean>();
  const outputs = list(json['outputs'], 'outputs').map((output) => {
    const name = text(output['name'], 'the name of an output');
    const { binary_data: binary, ...rest } = object(output['parameters'], `parameters of the output ${quoted(name)}`);
    if (binary !== undefined) asBinary.set(name, flag(binary, 'binary_data'));
    return { name, parameters: toParameters(rest) };
  });
  const all = binaryOutput === undefined ? false : flag(binaryOutput, 'binary_data_output');
  const message = ModelInferRequest.fromPartial({
    modelName: model,
    modelVersion: version,
    id: json['id'] === undefined ? '' : text(json['id'], 'id'),
    parameters: toParameters(parameters),
    inputs: inputs.map(({ name, datatype, shape, parameters: own }) => {
      return { name, datatype, shape: shape.map(BigInt), parameters: own };
    }),
    outputs,
  });
  // Put in afterwards: nothing copies them.
  message.rawInputContents = inputs.flatMap(({ data }) => (data === null ? [] : [data]));
  return { message, binary: (output) => asBinary.get(output) ?? all };
}

/** The answer: JSON, and behind it the outputs that are wanted as bytes. Throws INVALID_REQUEST. */
export function writeInferAnswer(response: ModelInferResponse, wanted: InferBody): RestAnswer {
  const { modelName, modelVersion, id, parameters, outputs, rawOutputContents } = response;
  const binary: Uint8Array[] = [];
  const told = outputs.map((output, index) => {
    const { name, datatype, shape } = output;
    const data = rawOutputContents[index]!;
    const head = `"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`;
    const own = parametersText(output.parameters);
    if (readPlace(name, output.parameters) !== null) return `{${head},"parameters":{${own.join(',')}}}`;
    if (!wanted.binary(name)) {
      const more = own.length === 0 ? '' : `,"parameters":{${own.join(',')}}`;
      return `{${head}${more},"data":${dataText(name, datatype, data)}}`;
    }
    binary.push(data);
    return `{${head},"parameters":{${[...own, `"binary_data_size":${data.length}`].join(',')}}}`;
  });
  const members = [
    ...(id === '' ? [] : [`"id":${JSON.stringify(id)}`]),
    `"model_name":${JSON.stringify(modelName)}`,
    `"model_version":${JSON.stringify(modelVersion)}`,
    ...(Object.keys(parameters).length === 0 ? [] : [`"parameters":{${parametersText(parameters).join(',')}}`]),
    `"outputs":[${told.join(',')}]`,
  ];
  return { status: 200, text: `{${members.join(',')}}`, binary };
}

/** What stands behind the JSON, taken piece by piece. */
class BinaryData {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(name: string, size: number): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (size > left) {
      throw invalid(name, `has a binary_data_size of ${size}, and ${left} bytes are left of the body behind the JSON`);
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  requireEnd(): void {
    const left = this.#bytes.length - this.#at;
    if (left === 0) return;
    throw new ServingError('INVALID_REQUEST', `${left} bytes behind the JSON belong to no input's binary_data_size`);
  }
}

function readHeaderLength(header: string | null, most: number): number {
  if (header === null) return most;
  const length = /^\d{1,15}$/.test(header) ? Number(header) : NaN;
  if (length >= 1 && length <= most) return length;
  const why = `Inference-Header-Content-Length is ${quoted(header)}; it must be the bytes of JSON, up to the body's ${most}, or 0 where all of it is one input`;
  throw new ServingError('INVALID_REQUEST', why);
}

interface Input {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly (number | bigint)[];
  readonly parameters: Record<string, InferParameter>;
  /** Null: it lies in shared memory. */
  readonly data: Uint8Array | null;
}

function readInput(input: Json, raw: BinaryData): Input {
  const name = text(input['name'], 'the name of an input');
  const type = text(input['datatype'], `the datatype of the input ${quoted(name)}`);
  const datatype = datatypeOf(type);
  if (datatype === null) throw invalid(name, `has the datatype ${quoted(type)}, which the protocol does not have`);
  const shape = readShape(name, input['shape']);
  const { binary_data_size: size, ...rest } = object(input['parameters'], `parameters of the input ${quoted(name)}`);
  const parameters = toParameters(rest);
  if (readPlace(name, parameters) !== null) {
    if (size === undefined && input['data'] === undefined) return { name, datatype, shape, parameters, data: null };
    throw invalid(name, 'has data beside its shared_memory_region; send one of the two');
  }
  if (size === undefined) {
    const data = readData({ name, datatype, shape: shape.map(Number) }, input['data']);
    return { name, datatype, shape, parameters, data };
  }
  if (input['data'] !== undefined) throw invalid(name, 'has data beside binary_data_size; send one of the two');
  if (!(Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw invalid(name, 'has a binary_data_size that is no number of bytes');
  }
  return { name, datatype, shape, parameters, data: raw.take(name, size as number) };
}

function readShape(name: string, shape: unknown): readonly (number | bigint)[] {
  const dims = Array.isArray(shape) ? (shape as readonly unknown[]) : null;
  // Dims beyond what a number holds are refused with the others that are too large, by the one check of shapes.
  if (dims?.every((dim) => Number.isSafeInteger(dim) || isInt64(dim)) === true) return dims as (number | bigint)[];
  throw invalid(name, 'needs a shape: an array of whole numbers');
}

function toParameters(values: Json): Record<string, InferParameter> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { parameterChoice: toChoice(name, value) }]),
  );
}

function toChoice(name: string, value: unknown): InferParameter['parameterChoice'] {
  if (typeof value === 'boolean') return { $case: 'boolParam', boolParam: value };
  if (typeof value === 'string') return { $case: 'stringParam', stringParam: value };
  if (isInt64(value) || Number.isSafeInteger(value)) {
    return { $case: 'int64Param', int64Param: BigInt(value as number) };
  }
  if (typeof value === 'bigint' && BigInt.asUintN(64, value) === value) {
    return { $case: 'uint64Param', uint64Param: value };
  }
  if (typeof value === 'number') return { $case: 'doubleParam', doubleParam: value };
  const why = `parameter ${quoted(name)} must be a number of at most 64 bits, a text, or true or false`;
  throw new ServingError('INVALID_REQUEST', why);
}

function isInt64(value: unknown): value is bigint {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
}

function parametersText(parameters: Readonly<Record<string, InferParameter>>): string[] {
  return Object.entries(parameters).flatMap(([name, { parameterChoice: choice }]) => {
    if (choice === undefined) return [];
    const value = (choice as unknown as Json)[choice.$case];
    return [`${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`];
  });
}

function object(value: unknown, what: string): Json {
  if (value === undefined) return {};
  if (isObject(value)) return value;
  throw new ServingError('INVALID_REQUEST', `${what} must be an object`);
}

function list(value: unknown, what: string): readonly Json[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new ServingError('INVALID_REQUEST', `${what} must be an array of objects`);
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new ServingError('INVALID_REQUEST', `${what} must be a text`);
}

function flag(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new ServingError('INVALID_REQUEST', `${what} must be true or false`);
}
