import type { Http2Server } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';

/**
 * The HTTP/2 servers that a bound server keeps, for what grpc-js has no option. Throws INTERNAL when they are not where
 * they are expected, after an update of grpc-js for instance.
 */
export function http2Servers(server: Server): Http2Server[] {
  const { http2Servers: servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (servers instanceof Map && servers.size > 0) return [...servers.keys()];
  throw new ServingError('INTERNAL', 'this version of @grpc/grpc-js keeps its HTTP/2 servers elsewhere');
}
