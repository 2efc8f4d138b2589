import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';

/**
 * Bytes that a client may send ahead of what the server has read, per stream and per connection. With the 64 KiB of
 * HTTP/2 a picture needs several round trips; what is larger than a few pictures only holds memory.
 */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 4 << 20;

/**
 * Opens the HTTP/2 receive windows of a server's connections. grpc-js has an option for clients only, so this reaches
 * for the HTTP/2 servers it keeps; to be called once the server is bound. Throws INTERNAL when they are not where they
 * are expected, after an update of grpc-js for instance.
 */
export function widenReceiveWindows(server: Server): void {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
    throw new ServingError('INTERNAL', 'this version of @grpc/grpc-js keeps its HTTP/2 servers elsewhere');
  }
  for (const http2Server of http2Servers.keys()) {
    http2Server.on('session', (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: STREAM_WINDOW });
      session.setLocalWindowSize(CONNECTION_WINDOW);
    });
  }
}
