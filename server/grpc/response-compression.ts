import type {
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
  ServerStreamResponseOptions,
} from 'node:http2';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** Below, the frame around compressed bytes costs more than it saves. */
const LEAST_BYTES = 1024;

/** A message on the wire: whether it is compressed, one byte; its length, four; and itself. */
const PREFIX_BYTES = 5;

type Written = (error?: Error | null) => void;

/**
 * Compresses the messages that a call answers with, in threads of the pool, where its client accepts gzip; grpc-js's
 * server never does. To be called before the call is served.
 */
export function compressResponses(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, level: number): void {
  const accepted = String(headers['grpc-accept-encoding'] ?? '').split(',');
  if (!accepted.some((encoding) => encoding.trim() === 'gzip')) return;
  const respond = stream.respond.bind(stream);
  const write = stream.write.bind(stream) as (message: Buffer, written: Written) => boolean;
  const end = stream.end.bind(stream) as () => ServerHttp2Stream;
  /** Messages leave in the order in which they came, and before the end. */
  let last: Promise<unknown> = Promise.resolve();
  Object.assign(stream, {
    respond: (head: OutgoingHttpHeaders, options?: ServerStreamResponseOptions) =>
      respond(options?.endStream === true ? head : { ...head, 'grpc-encoding': 'gzip' }, options),
    // grpc-js goes by the callback, not by what is returned.
    write: (message: Buffer, written: Written): boolean => {
      const packed = pack(message, level);
      last = last.then(async () => write(await packed, written));
      return true;
    },
    end: (): ServerHttp2Stream => {
      last = last.then(() => end());
      return stream;
    },
  });
}

/** The message compressed; or as it is, where that is no longer. Never rejects. */
async function pack(message: Buffer, level: number): Promise<Buffer> {
  if (message.length - PREFIX_BYTES < LEAST_BYTES) return message;
  const packed = await compress(message.subarray(PREFIX_BYTES), { level }).catch(() => null);
  if (packed === null || packed.length >= message.length - PREFIX_BYTES) return message;
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(1, 0);
  prefix.writeUInt32BE(packed.length, 1);
  return Buffer.concat([prefix, packed]);
}
