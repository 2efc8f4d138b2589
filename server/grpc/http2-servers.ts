import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';

/** An HTTP/2 server that grpc-js has made for an address, before it listens. */
export type AnyHttp2Server = Http2Server | Http2SecureServer;

type Create = (credentials: ServerCredentials) => AnyHttp2Server;

/**
 * Tells of every HTTP/2 server that `server` makes from now on, for what grpc-js has no option, with the credentials of
 * the address that it is for. Throws INTERNAL when grpc-js makes them elsewhere, after an update for instance.
 */
export function onHttp2Server(
  server: Server,
  listener: (http2Server: AnyHttp2Server, credentials: ServerCredentials) => void,
): void {
  const maker = server as unknown as { createHttp2Server?: Create };
  const create = maker.createHttp2Server;
  if (typeof create !== 'function') {
    throw new ServingError('INTERNAL', 'this version of @grpc/grpc-js makes its HTTP/2 servers elsewhere');
  }
  maker.createHttp2Server = (credentials) => {
    const http2Server = create.call(server, credentials);
    listener(http2Server, credentials);
    return http2Server;
  };
}
