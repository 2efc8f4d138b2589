import { Transform, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, createInflate, deflate, gzip } from 'node:zlib';
import { ServingError } from '../core/errors.js';

/** A body as it is read; fastify holds the count against content-length. */
export type CountedBody = Readable & { receivedEncodedLength?: number };

const DECODERS = { gzip: createGunzip, deflate: createInflate };
const ENCODERS = { gzip: promisify(gzip), deflate: promisify(deflate) };

/** Shorter answers would hardly shrink. */
const LEAST_BYTES = 1024;

/** zlib's fastest: the network that profits is slower still. */
const LEVEL = 1;

/** The body without its content-encoding. Throws INVALID_REQUEST for an encoding that is not known. */
export function decoded(body: Readable, encoding: string | undefined): CountedBody {
  if (encoding === undefined || encoding === 'identity') return body;
  if (!isCoding(encoding)) {
    throw new ServingError('INVALID_REQUEST', `content-encoding must be gzip, deflate or identity, not ${encoding}`);
  }
  const decoder: CountedBody = DECODERS[encoding]();
  decoder.receivedEncodedLength = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      decoder.receivedEncodedLength! += chunk.length;
      done(null, chunk);
    },
  });
  body.on('error', (cause) => decoder.destroy(cause));
  body.pipe(counter).pipe(decoder as ReturnType<typeof createGunzip>);
  return decoder;
}

/** What of gzip and deflate a client has its answers in; null: as they are. The first that it names and does not refuse. */
export function acceptedCoding(header: string | undefined): keyof typeof ENCODERS | null {
  for (const part of (header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    if (isCoding(name) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return name;
  }
  return null;
}

/** The bytes in a coding; null: they are too few to be worth it. */
export async function encoded(bytes: Buffer, coding: keyof typeof ENCODERS): Promise<Buffer | null> {
  return bytes.length < LEAST_BYTES ? null : await ENCODERS[coding](bytes, { level: LEVEL });
}

function isCoding(name: string): name is keyof typeof ENCODERS {
  return Object.hasOwn(ENCODERS, name);
}
