import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Access } from '../core/access/access.js';
import type { ServedGroups } from '../core/access/call-groups.js';
import type { ClientLimits, Share } from '../core/access/client-limits.js';
import { quoted, ServingError, type ErrorCode } from '../core/errors.js';
import type { CallOrigins } from './call-origins.js';
import type { Connections } from './connections.js';
import type { AnyHttp2Server } from './http2-servers.js';
import { METHODS, type MethodFacts } from './method-groups.js';
import { compressResponses } from './response-compression.js';
import { toStatus } from './status.js';

export interface CallGateOptions {
  readonly access: Access;
  readonly limits: ClientLimits;
  readonly connections: Connections;
  readonly origins: CallOrigins;
  /** Of the answers to the group inference, 1 to 9; 0: not at all. */
  readonly compressionLevel: number;
  /** Told of every call that is not let in. */
  readonly onRefusal: (code: ErrorCode) => void;
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

const NEVER = new AbortController().signal;

/**
 * Stands between HTTP/2 and grpc-js, and decides by the headers of a call whether it gets in: before its message is read,
 * and for no more than a check in each handler costs (test/bench/gate.ts).
 */
export class CallGate {
  readonly #options: CallGateOptions;

  constructor(options: CallGateOptions) {
    this.#options = options;
  }

  /** Takes its place before an HTTP/2 server. Throws INTERNAL when grpc-js is not where it is expected. */
  guard(http2Server: AnyHttp2Server, served: ServedGroups): void {
    const [serve, ...others] = http2Server.listeners('stream') as StreamListener[];
    if (serve === undefined || others.length > 0) {
      throw new ServingError('INTERNAL', 'this version of @grpc/grpc-js serves streams elsewhere');
    }
    http2Server.removeListener('stream', serve);
    http2Server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
      let share: Share | null;
      try {
        share = this.#admit(stream, headers, served);
      } catch (cause) {
        this.#refuse(stream, ServingError.from(cause));
        return;
      }
      serve(stream, headers, ...rest);
      if (share !== null && this.#options.limits.ofBytes) this.#countBytes(stream, share);
    });
  }

  /** The call's share of what its client may have in the server; null: its requests have theirs, or need none. */
  #admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, served: ServedGroups): Share | null {
    const { access, limits, connections, origins, compressionLevel } = this.#options;
    const path = String(headers[':path']);
    const method = METHODS.get(path);
    if (method === undefined) throw new ServingError('METHOD_UNKNOWN', `the server has no method ${quoted(path)}`);
    const holder = access.admit(method.group, headers.authorization, served);
    const connection = connections.of(stream.session);
    const client = holder === null ? (connection?.peer ?? null) : `token ${holder.name}`;
    if (compressionLevel > 0 && method.group === 'inference') compressResponses(stream, headers, compressionLevel);
    if (method.manyRequests) {
      origins.attach(stream, headers, {
        take: (bytes) => limits.take(client, bytes),
        leaving: connection?.leaving ?? NEVER,
      });
      return null;
    }
    if (!limits.any || !isCounted(method)) return null;
    const share = limits.take(client);
    stream.once('close', () => share[Symbol.dispose]());
    return share;
  }

  /** Ahead of grpc-js: a message that is over the limit is not put together. */
  #countBytes(stream: ServerHttp2Stream, share: Share): void {
    stream.prependListener('data', (bytes: Buffer) => {
      try {
        share.grow(bytes.length);
      } catch (cause) {
        share[Symbol.dispose]();
        this.#refuse(stream, ServingError.from(cause));
      }
    });
  }

  #refuse(stream: ServerHttp2Stream, error: ServingError): void {
    this.#options.onRefusal(error.code);
    stream.on('error', () => {});
    if (stream.destroyed || stream.closed) return;
    const { code, details } = toStatus(error);
    if (!stream.headersSent) {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc+proto',
          'grpc-status': code,
          'grpc-message': encodeURI(details ?? ''),
        },
        { endStream: true },
      );
    }
    // What the client still sends is not waited for.
    stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

/** Probes must get through a client's limits, or a busy server would seem dead. */
function isCounted({ group }: MethodFacts): boolean {
  return group !== 'health';
}
