import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import {
  GRPCInferenceServiceService as Service,
  type ModelInferRequest,
  type ModelInferResponse,
  type ModelMetadataRequest,
  type ModelMetadataResponse,
  type ModelStatisticsRequest,
  type ModelStatisticsResponse,
  type ModelStreamInferResponse,
} from '../../server/gen/inference/grpc_service.js';

type Input = ModelMetadataResponse['inputs'][number];

/** A server of KServe's protocol with one model, `mirror`, which answers with its inputs; it keeps the requests. */
export class KServeDouble implements AsyncDisposable {
  readonly requests: ModelInferRequest[] = [];
  /** Every so manieth request fails; 0: none. */
  failEvery = 0;
  readonly #server = new Server({ 'grpc.max_receive_message_length': -1 });
  readonly #inputs: readonly Input[];
  #address = '';

  private constructor(inputs: readonly Input[]) {
    this.#inputs = inputs;
  }

  static async start(inputs: readonly Input[]): Promise<KServeDouble> {
    const double = new KServeDouble(inputs);
    double.#server.addService(Service, {
      modelMetadata: double.#metadata.bind(double),
      modelInfer: double.#infer.bind(double),
      modelStreamInfer: double.#stream.bind(double),
      modelStatistics: double.#statistics.bind(double),
    });
    const port = await new Promise<number>((resolve, reject) =>
      double.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    double.#address = `127.0.0.1:${port}`;
    return double;
  }

  /** `host:port`. */
  get address(): string {
    return this.#address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  #metadata(
    { request: { name } }: ServerUnaryCall<ModelMetadataRequest, ModelMetadataResponse>,
    done: sendUnaryData<ModelMetadataResponse>,
  ): void {
    if (name !== 'mirror') done({ code: status.NOT_FOUND, details: `there is no model ${name}` });
    else done(null, { name, versions: ['1'], platform: 'double', inputs: [...this.#inputs], outputs: [] });
  }

  #infer(
    { request }: ServerUnaryCall<ModelInferRequest, ModelInferResponse>,
    done: sendUnaryData<ModelInferResponse>,
  ): void {
    const answer = this.#answer(request);
    if (answer === null) done({ code: status.RESOURCE_EXHAUSTED, details: 'as was asked for' });
    else done(null, answer);
  }

  #stream(call: ServerDuplexStream<ModelInferRequest, ModelStreamInferResponse>): void {
    call.on('data', (request: ModelInferRequest) => {
      const answer = this.#answer(request);
      const errorMessage = answer === null ? 'as was asked for' : '';
      call.write({ errorMessage, inferResponse: answer ?? undefined });
    });
    call.on('end', () => call.end());
  }

  /** Each answered request has waited 1 ms, of which 200 us were not computing, in batches of 2. */
  #statistics(
    _: ServerUnaryCall<ModelStatisticsRequest, ModelStatisticsResponse>,
    done: sendUnaryData<ModelStatisticsResponse>,
  ): void {
    const count = BigInt(this.requests.length);
    const each = (microseconds: bigint) => ({ count, ns: count * microseconds * 1000n });
    const inferenceStats = {
      success: each(1000n),
      fail: undefined,
      queue: each(200n),
      computeInput: each(100n),
      computeInfer: each(500n),
      computeOutput: each(150n),
      cacheHit: undefined,
      cacheMiss: undefined,
    };
    const counts = { lastInference: 0n, inferenceCount: count, executionCount: count / 2n };
    const empty = { batchStats: [], memoryUsage: [], responseStats: {} };
    const version = { name: 'mirror', version: '1', ...counts, inferenceStats, ...empty };
    done(null, { modelStats: [version] });
  }

  #answer(request: ModelInferRequest): ModelInferResponse | null {
    this.requests.push(request);
    if (this.failEvery > 0 && this.requests.length % this.failEvery === 0) return null;
    const { modelName, id, inputs, rawInputContents } = request;
    return {
      modelName,
      modelVersion: '1',
      id,
      parameters: {},
      outputs: inputs.map(({ name, datatype, shape }) => ({
        name: `${name}_out`,
        datatype,
        shape,
        parameters: {},
        contents: undefined,
      })),
      rawOutputContents: [...rawInputContents],
    };
  }
}
