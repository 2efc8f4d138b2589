import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access } from '../core/access/access.js';
import type { CallGroup, ServedGroups } from '../core/access/call-groups.js';
import type { ClientLimits } from '../core/access/client-limits.js';
import type { CertificateSource } from '../core/certificates.js';
import { ServingError } from '../core/errors.js';
import { errorBody, httpStatus } from './error-status.js';

/** Who may ask the HTTP port what. */
export interface Entrance {
  /** Null: no TLS. */
  readonly certificates: CertificateSource | null;
  /** Whether clients have to show a certificate, except to probe. */
  readonly mutual: boolean;
  readonly access: Access;
  readonly served: ServedGroups;
  readonly limits: ClientLimits;
  /** Of pages that may use the port, such as `https://example.org`; `*`: all. */
  readonly origins: readonly string[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route is about. `open`: what tells nothing of this server, and needs nobody's leave. */
    group?: CallGroup | 'open';
  }
}

/** Lets in to the routes that are added from now on who may come in. A route without a group cannot be added. */
export function guardRoutes(app: FastifyInstance, entrance: Entrance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.group === undefined) throw new Error(`the route ${String(method)} ${url} has no group in its config`);
  });
  app.addHook('onRequest', async (request, reply) => {
    const { group } = request.routeOptions.config;
    // Of a path that is not there, the answer tells nothing.
    if (group === undefined || group === 'open' || group === 'health') return;
    try {
      const client = admit(request, group, entrance);
      // What only asks holds nothing: metrics are there when they are needed most.
      if (!hasBody(request)) return;
      const share = entrance.limits.take(client, bytesOf(request));
      reply.raw.once('close', () => share[Symbol.dispose]());
    } catch (cause) {
      const error = ServingError.from(cause);
      if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
      await reply.code(httpStatus(error)).send(errorBody(error));
    }
  });
}

/** Whose limits the request counts against. */
function admit({ headers, socket, ip }: FastifyRequest, group: CallGroup, entrance: Entrance): string {
  const { authorized } = socket as Partial<TLSSocket>;
  if (entrance.mutual && authorized !== true) {
    throw new ServingError('UNAUTHENTICATED', 'this server asks for a certificate of an authority that it knows');
  }
  const holder = entrance.access.admit(group, headers.authorization, entrance.served);
  if (holder !== null) return `token ${holder.name}`;
  const certificate = authorized === true ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
  return certificate === undefined ? `address ${ip}` : `certificate ${certificate.subject.replaceAll('\n', ', ')}`;
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** What a client says that it is about to send; without a word of it the port's own limit on bodies is all there is. */
function bytesOf({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? 0);
}

/** As fastify has it by itself: a load balancer that keeps connections for a minute finds them open. */
const KEEP_ALIVE_MILLISECONDS = 72_000;

/** Makes the server that takes the connections. With TLS it takes up new certificates while it runs. */
export function serverFactory({ certificates, mutual }: Entrance): (handler: RequestListener) => Server {
  return (handler) => {
    const server = certificates === null ? createServer(handler) : tlsServer(handler, certificates, mutual);
    server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
    return server;
  };
}

function tlsServer(handler: RequestListener, source: CertificateSource, mutual: boolean): Server {
  const context = () => {
    const { certificate, key, clientRoots } = source.current;
    return { cert: certificate, key, ...(mutual && clientRoots !== null ? { ca: clientRoots } : {}) };
  };
  // Probes come without a certificate: who has none is turned away request by request.
  const server = createTlsServer({ ...context(), requestCert: mutual, rejectUnauthorized: false }, handler);
  source.onChange(() => server.setSecureContext(context()));
  return server;
}
