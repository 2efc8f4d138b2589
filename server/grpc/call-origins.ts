import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import { NO_SHARE, type Share } from '../core/access/client-limits.js';
import { ServingError } from '../core/errors.js';

/** Where a call comes from, as far as what serves it has to know. */
export interface CallOrigin {
  /** One request more of the client, of so many bytes. Throws CLIENT_LIMIT. */
  take(bytes: number): Share;
  /** Aborted when the client has been asked to connect anew: a call that can end soon does. */
  readonly leaving: AbortSignal;
}

const NEVER = new AbortController().signal;

const UNKNOWN: CallOrigin = { take: () => NO_SHARE, leaving: NEVER };

/** grpc-js hands on nothing of a call but its metadata. */
const HEADER = 'sluice-origin';

/** Lets what serves a call know what the gate knows of it, while the call runs. */
export class CallOrigins {
  readonly #running = new Map<string, CallOrigin>();
  #calls = 0;

  /** What a client itself says under that name is overwritten. */
  attach(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, origin: CallOrigin): void {
    const id = String(this.#calls++);
    headers[HEADER] = id;
    this.#running.set(id, origin);
    stream.once('close', () => this.#running.delete(id));
  }

  of(metadata: Metadata): CallOrigin {
    const [id] = metadata.get(HEADER);
    return this.#running.get(String(id)) ?? UNKNOWN;
  }
}

/** Why a stream is to end as soon as it can; null: it may stay. */
export function reasonToEnd(draining: AbortSignal, { leaving }: CallOrigin): ServingError | null {
  if (draining.aborted) {
    return new ServingError('SHUTTING_DOWN', 'the server is shutting down; open the stream again elsewhere');
  }
  if (!leaving.aborted) return null;
  return new ServingError(
    'SHUTTING_DOWN',
    'the connection is as old as --grpc-max-connection-age allows; open the stream again',
  );
}
