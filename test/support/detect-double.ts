import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { InferenceService, type DetectRequest, type DetectResponse } from '../../server/gen/sluice/v1/inference.js';

/** A server that answers each frame of Detect with what `answer` makes of it, and keeps the requests. */
export class DetectDouble implements AsyncDisposable {
  readonly requests: DetectRequest[] = [];
  readonly #server = new Server();
  #address = '';

  private constructor() {}

  static async start(answer: (request: DetectRequest) => Partial<DetectResponse>): Promise<DetectDouble> {
    const double = new DetectDouble();
    double.#server.addService(InferenceService, {
      detect(call: ServerDuplexStream<DetectRequest, DetectResponse>) {
        call.on('data', (request: DetectRequest) => {
          double.requests.push(request);
          if (request.frame !== undefined) call.write(responseTo(request, answer(request)));
        });
        call.on('end', () => call.end());
      },
    });
    const bind = (done: (error: Error | null, port: number) => void) =>
      double.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
    const port = await new Promise<number>((resolve, reject) =>
      bind((error, bound) => (error === null ? resolve(bound) : reject(error))),
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
}

function responseTo(request: DetectRequest, answer: Partial<DetectResponse>): DetectResponse {
  const frame = {
    frameId: request.frame?.frameId ?? '',
    captureTime: undefined,
    index: 0,
    modelName: 'double',
    modelVersion: '1',
    width: 32,
    height: 32,
    timings: undefined,
    error: undefined,
  };
  return { frame, detections: [], annotated: new Uint8Array(0), stages: [], unseenTracks: [], ...answer };
}
