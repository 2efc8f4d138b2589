import { Client, credentials, Metadata, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import {
  DetectRequest,
  EmbedRequest,
  InferenceService,
  type DetectResponse,
  type EmbedResponse,
} from '../../server/gen/sluice/v1/inference.js';
import { eventually } from './eventually.js';

/** Any bytes: for what is no message at all. */
export type Message<Request> = Request | Uint8Array;

interface Method<Request, Response> {
  readonly path: string;
  readonly encode: (message: Request) => Uint8Array;
  readonly decode: (bytes: Buffer) => Response;
}

interface WireOptions {
  /** When the call as a whole is over. */
  readonly deadline?: Date;
  /** Answers are left unread until `read` is called. */
  readonly unread?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

const DETECT: Method<DetectRequest, DetectResponse> = {
  path: InferenceService.detect.path,
  encode: (message) => DetectRequest.encode(message).finish(),
  decode: InferenceService.detect.responseDeserialize,
};

const EMBED: Method<EmbedRequest, EmbedResponse> = {
  path: InferenceService.embed.path,
  encode: (message) => EmbedRequest.encode(message).finish(),
  decode: InferenceService.embed.responseDeserialize,
};

/** A connection of its own over which calls are made message by message, for what the typed client would not send. */
export class Wire implements Disposable {
  readonly #client: Client;

  /** `host:port`. */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    });
  }

  detect(options?: WireOptions): WireCall<DetectRequest, DetectResponse> {
    return new WireCall(this.#client, DETECT, options);
  }

  embed(options?: WireOptions): WireCall<EmbedRequest, EmbedResponse> {
    return new WireCall(this.#client, EMBED, options);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** One call: what was sent, what came back, and how it ended. */
export class WireCall<Request, Response> {
  /** Every answer so far. */
  readonly answers: Response[] = [];
  /** Messages that have left for the server. */
  sent = 0;
  /** How the call ended. Never rejects. */
  readonly status: Promise<StatusObject>;
  #ended: StatusObject | undefined;
  readonly #call: ClientDuplexStream<Buffer, Response>;
  readonly #encode: (message: Request) => Uint8Array;

  constructor(client: Client, { path, encode, decode }: Method<Request, Response>, options: WireOptions = {}) {
    const { deadline, unread = false, metadata = {} } = options;
    const sent = new Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
    const asIs = (bytes: Buffer): Buffer => bytes;
    const callOptions = deadline === undefined ? {} : { deadline };
    this.#call = client.makeBidiStreamRequest(path, asIs, decode, sent, callOptions);
    this.#encode = encode;
    this.status = new Promise((resolve) => {
      this.#call.once('status', (ended: StatusObject) => {
        this.#ended = ended;
        resolve(ended);
      });
    });
    // The status says it already.
    this.#call.on('error', () => {});
    // Without a first read grpc-js takes in everything; after it, it stops when its own buffer is full.
    if (unread) this.#call.read(0);
    else this.read();
  }

  /** Sends messages, in order; they need not have left yet. */
  send(...messages: readonly Message<Request>[]): void {
    for (const message of messages) {
      const bytes = message instanceof Uint8Array ? message : this.#encode(message);
      this.#call.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (error?: Error | null) => {
        if (error === undefined || error === null) this.sent += 1;
      });
    }
  }

  /** Half-closes. */
  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  read(): void {
    this.#call.on('data', (response: Response) => this.answers.push(response));
  }

  /** The answers, once there are that many. */
  async answered(count: number): Promise<readonly Response[]> {
    return eventually(`${count} answers`, () => (this.answers.length >= count ? this.answers : undefined));
  }

  /** Half-closes and returns the status. Throws when the call does not end. */
  async finish(): Promise<StatusObject> {
    this.end();
    return eventually('the end of the call', () => this.#ended);
  }
}
