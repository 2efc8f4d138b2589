import type { ServerHttp2Session } from 'node:http2';
import type { AnyHttp2Server } from './http2-servers.js';

/**
 * Bytes that a client may send ahead of what the server has read, per stream and per connection. With the 64 KiB of
 * HTTP/2 a picture needs several round trips; what is larger than a few pictures only holds memory.
 */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 4 << 20;

/** Opens the HTTP/2 receive windows of a server's connections: grpc-js has an option for clients only. */
export function widenReceiveWindows(http2Server: AnyHttp2Server): void {
  http2Server.on('session', (session: ServerHttp2Session) => {
    session.settings({ initialWindowSize: STREAM_WINDOW });
    session.setLocalWindowSize(CONNECTION_WINDOW);
  });
}
