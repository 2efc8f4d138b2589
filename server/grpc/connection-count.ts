import type { ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { http2Servers } from './http2-servers.js';

/** Counts the connections of a server that is bound. */
export class ConnectionCount {
  /** Those that are open now. */
  open = 0;

  constructor(server: Server) {
    for (const http2Server of http2Servers(server)) {
      http2Server.on('session', (session: ServerHttp2Session) => {
        this.open += 1;
        session.once('close', () => (this.open -= 1));
      });
    }
  }
}
