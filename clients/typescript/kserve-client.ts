import type { Client } from '@grpc/grpc-js';
import {
  GRPCInferenceServiceService as Service,
  ModelInferRequest,
  type InferParameter,
  type ModelInferResponse,
  type ModelMetadataResponse,
  type ModelStatistics,
} from '../../server/gen/inference/grpc_service.js';
import { openChannel, type ConnectionSettings } from './channel.js';
import { asBuffer, exchange, type Source } from './exchange.js';
import { unaryCall } from './unary-call.js';

export type { ModelMetadataResponse, ModelStatistics };

/** A tensor with its elements as they lie in memory: row-major, little-endian; BYTES: each behind its length of 4 bytes. */
export interface Tensor {
  readonly name: string;
  /** As the protocol spells it: BOOL, UINT8 ... INT64, FP16, BF16, FP32, FP64, BYTES. */
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Where a tensor lies in system shared memory that is registered; bytes. */
export interface SharedPlace {
  readonly region: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** A tensor whose elements lie in shared memory. */
export interface SharedTensor extends Omit<Tensor, 'data'> {
  readonly place: SharedPlace;
}

/** A region of system shared memory: the segment `key`, from `offset` on. */
export interface SharedRegion extends Omit<SharedPlace, 'region'> {
  readonly name: string;
  /** As shm_open(3) takes it, such as `/frames`. */
  readonly key: string;
}

/** Something to infer. */
export interface InferRequest {
  readonly model: string;
  /** Left out: the server decides. */
  readonly version?: string;
  /** Repeated by the answer. */
  readonly id?: string;
  readonly inputs: readonly (Tensor | SharedTensor)[];
  /** The outputs to answer with, where one is to lie in shared memory with its place; left out: all. */
  readonly outputs?: readonly (string | { readonly name: string; readonly place: SharedPlace })[];
  /** Such as `priority`, `timeout` (microseconds) or `sequence_id`; whole numbers and texts. */
  readonly parameters?: Readonly<Record<string, number | string | boolean>>;
}

export interface InferAnswer {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  /** Their data aliases the received message; of those in shared memory it is empty. */
  readonly outputs: readonly Tensor[];
}

/** An answer of a stream: a request that failed does not end it. */
export type StreamAnswer = InferAnswer | { readonly error: string };

/** A client of any server that speaks KServe's protocol v2 over gRPC. Failed calls throw grpc-js's ServiceError. */
export class KServeClient implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects to `host:port`. Rejects when no server answers in time. */
  static async connect(address: string, settings: ConnectionSettings = {}): Promise<KServeClient> {
    return new KServeClient(await openChannel(address, settings));
  }

  /** What a model takes and gives; a side of -1 is free. */
  metadata(model: string, version = ''): Promise<ModelMetadataResponse> {
    return unaryCall(this.#client, Service.modelMetadata, { name: model, version }, {});
  }

  /** What the server has counted of a model since it was loaded, by version. */
  async statistics(model: string, version = ''): Promise<ModelStatistics[]> {
    return (await unaryCall(this.#client, Service.modelStatistics, { name: model, version }, {})).modelStats;
  }

  /** Has the server open a region that both can reach, for the tensors of requests. */
  async registerSharedMemory({ name, key, offset, byteSize }: SharedRegion): Promise<void> {
    const region = { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) };
    await unaryCall(this.#client, Service.systemSharedMemoryRegister, region, {});
  }

  async unregisterSharedMemory(name: string): Promise<void> {
    await unaryCall(this.#client, Service.systemSharedMemoryUnregister, { name }, {});
  }

  /** Infers one request. */
  async infer(request: InferRequest): Promise<InferAnswer> {
    const method = { ...Service.modelInfer, requestSerialize: serialize };
    return toAnswer(await unaryCall(this.#client, method, toMessage(request), {}));
  }

  /** Infers request after request on one stream; the answers come in the order of the requests. */
  async *stream(requests: Source<InferRequest>, signal?: AbortSignal): AsyncGenerator<StreamAnswer> {
    const { path, responseDeserialize } = Service.modelStreamInfer;
    const call = this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize);
    const message = (request: InferRequest | null) => (request === null ? null : toMessage(request));
    for await (const { errorMessage, inferResponse } of exchange(call, requests, signal, message)) {
      yield errorMessage !== '' || inferResponse === undefined ? { error: errorMessage } : toAnswer(inferResponse);
    }
  }

  /** Closes the connection; open calls fail. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Without the copy that the generated code makes: tensors are large. */
function serialize(request: ModelInferRequest): Buffer {
  return asBuffer(ModelInferRequest.encode(request).finish());
}

function toMessage({ model, version, id, inputs, outputs, parameters }: InferRequest): ModelInferRequest {
  return {
    modelName: model,
    modelVersion: version ?? '',
    id: id ?? '',
    parameters: Object.fromEntries(Object.entries(parameters ?? {}).map(([key, value]) => [key, parameter(value)])),
    inputs: inputs.map((input) => ({
      name: input.name,
      datatype: input.datatype,
      shape: input.shape.map(BigInt),
      parameters: 'place' in input ? placeParameters(input.place) : {},
      contents: undefined,
    })),
    outputs: (outputs ?? []).map((output) =>
      typeof output === 'string'
        ? { name: output, parameters: {} }
        : { name: output.name, parameters: placeParameters(output.place) },
    ),
    rawInputContents: inputs.flatMap((input) => ('place' in input ? [] : [input.data])),
  };
}

function placeParameters({ region, offset, byteSize }: SharedPlace): Record<string, InferParameter> {
  return {
    shared_memory_region: parameter(region),
    shared_memory_offset: parameter(offset),
    shared_memory_byte_size: parameter(byteSize),
  };
}

function parameter(value: number | string | boolean): InferParameter {
  if (typeof value === 'number') return { parameterChoice: { $case: 'int64Param', int64Param: BigInt(value) } };
  if (typeof value === 'string') return { parameterChoice: { $case: 'stringParam', stringParam: value } };
  return { parameterChoice: { $case: 'boolParam', boolParam: value } };
}

function toAnswer({ modelName, modelVersion, id, outputs, rawOutputContents }: ModelInferResponse): InferAnswer {
  return {
    model: modelName,
    version: modelVersion,
    id,
    outputs: outputs.map(({ name, datatype, shape }, index) => ({
      name,
      datatype,
      shape: shape.map(Number),
      data: rawOutputContents[index] ?? new Uint8Array(0),
    })),
  };
}
