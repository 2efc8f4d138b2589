import { Client, credentials, Metadata, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import {
  GRPCInferenceServiceService as SERVICE,
  ModelInferRequest,
  type ModelInferRequest_InferInputTensor,
  type ModelInferRequest_InferRequestedOutputTensor,
  type ModelInferResponse,
  type ModelStreamInferResponse,
} from '../../server/gen/inference/grpc_service.js';
import type { Tensor } from '../../server/core/tensors.js';

type Service = typeof SERVICE;
type Unary = Exclude<keyof Service, 'modelStreamInfer'>;
type RequestOf<M extends Unary> = Parameters<Service[M]['requestSerialize']>[0];
type ResponseOf<M extends Unary> = ReturnType<Service[M]['responseDeserialize']>;

/** Calls of the open inference protocol, message by message. */
export class KserveClient implements Disposable {
  readonly #client: Client;

  /** `host:port`; `serviceConfig` is gRPC's, for several addresses. */
  constructor(address: string, serviceConfig: object = {}) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.service_config': JSON.stringify(serviceConfig),
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // A connection of its own: of several processes, each has other connections.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Rejects with the status. */
  call<M extends Unary>(method: M, request: RequestOf<M>, deadline?: Date): Promise<ResponseOf<M>> {
    return this.start(method, request, deadline).response;
  }

  /** A call that can be cancelled. */
  start<M extends Unary>(method: M, request: RequestOf<M>, deadline?: Date) {
    const { requestSerialize } = SERVICE[method];
    return this.startRaw(method, requestSerialize(request as never), deadline);
  }

  /** Sends any bytes in place of a message. */
  startRaw<M extends Unary>(method: M, bytes: Buffer, deadline?: Date) {
    const { path, responseDeserialize } = SERVICE[method];
    let cancel = (): void => {};
    const response = new Promise<ResponseOf<M>>((resolve, reject) => {
      const options = deadline === undefined ? {} : { deadline };
      const call = this.#client.makeUnaryRequest(
        path,
        (message: Buffer) => message,
        responseDeserialize as (bytes: Buffer) => ResponseOf<M>,
        bytes,
        new Metadata(),
        options,
        (error: ServiceError | null, value?: ResponseOf<M>) => (error === null ? resolve(value!) : reject(error)),
      );
      cancel = () => call.cancel();
    });
    return { response, cancel: () => cancel() };
  }

  infer(request: ModelInferRequest, deadline?: Date): Promise<ModelInferResponse> {
    return this.call('modelInfer', request, deadline);
  }

  /** Sends all requests on one stream and returns the answers once it has ended; rejects with its status. */
  async stream(
    requests: readonly ModelInferRequest[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ModelStreamInferResponse[]> {
    const call = this.openStream(headers);
    for (const request of requests) call.write(request);
    call.end();
    const answers: ModelStreamInferResponse[] = [];
    for await (const answer of call) answers.push(answer as ModelStreamInferResponse);
    return answers;
  }

  openStream(
    headers: Readonly<Record<string, string>> = {},
  ): ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const { path, requestSerialize, responseDeserialize } = SERVICE.modelStreamInfer;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Fields of a request as far as a test sets them. */
export interface RequestFields extends Partial<
  Pick<ModelInferRequest, 'modelVersion' | 'id' | 'parameters' | 'rawInputContents'>
> {
  readonly inputs?: readonly Partial<ModelInferRequest_InferInputTensor>[];
  readonly outputs?: readonly Partial<ModelInferRequest_InferRequestedOutputTensor>[];
}

/** A request for a model's tensors, its data raw; `rest` are other fields of the message. */
export function inferMessage(
  modelName: string,
  tensors: readonly Tensor[],
  rest: RequestFields = {},
): ModelInferRequest {
  const fields: RequestFields = {
    inputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(BigInt) })),
    rawInputContents: tensors.map(({ data }) => data),
    ...rest,
  };
  return ModelInferRequest.fromPartial({ ...(fields as ModelInferRequest), modelName });
}

/** The raw outputs of an answer by name, each with its type and shape. */
export function outputsOf({ outputs, rawOutputContents }: ModelInferResponse): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    outputs.map(({ name, datatype, shape }, index) => [
      name,
      { name, datatype: datatype as Tensor['datatype'], shape: shape.map(Number), data: rawOutputContents[index]! },
    ]),
  );
}
