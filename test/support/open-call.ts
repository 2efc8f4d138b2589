import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { once } from 'node:events';

/** A connection over which calls can be left open half-way, which no gRPC client does. */
export class OpenCalls implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #headers: Readonly<Record<string, string>>;

  /** `address` is `host:port`. */
  constructor(address: string, token?: string) {
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#session = connect(`http://${address}`);
    this.#session.on('error', () => {});
  }

  /** Sends the headers of a call and the beginning of its message, and no end. */
  open(path: string, begin: Buffer = Buffer.alloc(0)): OpenCall {
    const stream = this.#session.request(
      { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...this.#headers },
      { endStream: false },
    );
    if (begin.length > 0) stream.write(begin);
    return new OpenCall(stream);
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

export class OpenCall {
  /** The headers of the answer, or its trailers; undefined: it has ended without. */
  readonly answer: Promise<Record<string, unknown> | undefined>;
  readonly #stream: ClientHttp2Stream;

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.on('error', () => {});
    stream.resume();
    const closed = once(stream, 'close').then(() => undefined);
    const answered = once(stream, 'response').then(([headers]) => headers as Record<string, unknown>);
    this.answer = Promise.race([answered, closed]);
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** The beginning of a gRPC message of `length` bytes: its prefix and `sent` of them. */
export function beginMessage(length: number, sent: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, Buffer.alloc(sent)]);
}
