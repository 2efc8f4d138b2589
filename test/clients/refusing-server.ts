import { Server, ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  DetectResponse,
  InferenceService,
  type DetectRequest,
  type InferenceServer,
} from '../../server/gen/sluice/v1/inference.js';

type DetectCall = ServerDuplexStream<DetectRequest, DetectResponse>;

/** A server that is UNAVAILABLE to its first streams, as one that drains is, and then finds nothing in any frame. */
export class RefusingServer implements AsyncDisposable {
  readonly #server = new Server();
  readonly #refusals: number;
  readonly #after: number;
  #calls = 0;
  #frames = 0;
  #address = '';

  private constructor(refusals: number, after: number) {
    this.#refusals = refusals;
    this.#after = after;
  }

  /** `after`: frames that a stream takes before it is refused. */
  static async start(refusals: number, after = 0): Promise<RefusingServer> {
    const double = new RefusingServer(refusals, after);
    const detect = (call: DetectCall): void => double.#answer(call);
    // The other calls answer UNIMPLEMENTED.
    double.#server.addService(InferenceService, { detect } as unknown as InferenceServer);
    const port = await new Promise<number>((resolve, reject) => {
      double.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    double.#address = `127.0.0.1:${port}`;
    return double;
  }

  /** `host:port`. */
  get address(): string {
    return this.#address;
  }

  /** Frames that were taken, on all streams. */
  get frames(): number {
    return this.#frames;
  }

  /** Streams that were begun. */
  get calls(): number {
    return this.#calls;
  }

  #answer(call: DetectCall): void {
    this.#calls += 1;
    const refused = this.#calls <= this.#refusals;
    const refuse = () => call.emit('error', { code: status.UNAVAILABLE, details: 'come back later' });
    if (refused && this.#after === 0) {
      refuse();
      return;
    }
    let frames = 0;
    call.on('data', ({ frame }: DetectRequest) => {
      if (frame === undefined) return;
      frames += 1;
      this.#frames += 1;
      if (refused && frames === this.#after) refuse();
      if (refused) return;
      call.write(DetectResponse.fromPartial({ frame: { frameId: frame.frameId } }));
    });
    call.on('end', () => {
      if (!refused) call.end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}
