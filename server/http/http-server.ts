import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { errorMessage } from '../core/errors.js';
import { guardOrigins } from './cross-origin.js';
import { ENDPOINTS, PAGE_ENDPOINTS } from './endpoints.js';
import { guardRoutes, serverFactory, type Entrance } from './entrance.js';
import type { MetricsSource } from './metrics.js';
import { addPageRoutes, type PageSource } from './page-routes.js';
import type { Readiness } from './readiness.js';
import { addRestRoutes, type RestDoor } from './rest-routes.js';

export interface HttpServerOptions {
  /** Where to listen; port 0 takes a free one. */
  readonly address: { readonly host: string; readonly port: number };
  readonly metrics: MetricsSource;
  /** Asked at every `/readyz`. */
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Asked at every `/livez`: why a restart is due, or null. Left out: that the process answers is all there is to know. */
  readonly stuck?: () => Promise<string | null>;
  readonly entrance: Entrance;
  /** What the live page shows; null: there is none. */
  readonly page: PageSource | null;
  /** What answers the open inference protocol. */
  readonly rest: RestDoor;
  readonly logger: FastifyBaseLogger;
}

/** The HTTP port: probes, metrics and a live page for whoever runs the server, and the REST form of the open inference protocol. */
export class HttpServer implements AsyncDisposable {
  /** Where it listens, with the port that was bound. */
  readonly address: { readonly host: string; readonly port: number };
  readonly #app: FastifyInstance;

  private constructor(app: FastifyInstance, address: { host: string; port: number }) {
    this.#app = app;
    this.address = address;
  }

  /** Resolves once it listens. Rejects with an Error that says what to change when the address cannot be used. */
  static async create(options: HttpServerOptions): Promise<HttpServer> {
    const { host, port } = options.address;
    // Without forceCloseConnections a scraper's idle connection would hold up the end of the server.
    const app = fastify({
      loggerInstance: options.logger,
      // Probes come every few seconds; a line for each would drown the log.
      logController: new LogController({ disableRequestLogging: true }),
      forceCloseConnections: true,
      bodyLimit: 1024,
      serverFactory: serverFactory(options.entrance),
    });
    guardRoutes(app, options.entrance);
    guardOrigins(app, options.entrance.origins);
    addRoutes(app, options);
    try {
      await app.listen({ host, port });
    } catch (cause) {
      await app.close();
      throw new Error(listenProblem(host, port, cause), { cause });
    }
    // Listening on a TCP port, so the address is never a path.
    const bound = app.server.address() as AddressInfo;
    return new HttpServer(app, { host: bound.address, port: bound.port });
  }

  /** Closes the port and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }
}

function addRoutes(app: FastifyInstance, options: HttpServerOptions): void {
  const { metrics, readiness, stuck, page, rest, logger } = options;
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  if (page === null) app.get('/', { config: { group: 'open' } }, () => ({ name: 'sluice', endpoints: ENDPOINTS }));
  else {
    const endpoints = { name: 'sluice', endpoints: { ...ENDPOINTS, ...PAGE_ENDPOINTS } };
    addPageRoutes(app, page, { metrics, readiness, endpoints });
  }
  addRestRoutes(app, rest, readiness);
  app.get('/livez', { config: { group: 'health' } }, async (_request, reply) => {
    const reason = (await stuck?.()) ?? null;
    return reason === null ? { live: true } : reply.code(503).send({ live: false, reason });
  });
  app.get('/readyz', { config: { group: 'health' } }, async (_request, reply) => {
    const state = await readiness();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get('/metrics', { config: { group: 'statistics' } }, async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('content-type', metrics.contentType).send(text);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: `there is no ${request.method} ${request.url}; GET / lists the endpoints`,
    }),
  );
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== undefined && statusCode < 500) {
      return reply.code(statusCode).send({ error: errorMessage(error) });
    }
    const id = randomUUID();
    logger.error({ err: error, id }, 'an HTTP request failed');
    return reply.code(500).send({ error: `a fault of the server; its log tells more under id ${id}` });
  });
}

function listenProblem(host: string, port: number, cause: unknown): string {
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const problem = {
    EADDRINUSE: `port ${port} is taken; stop what uses it, or choose another (0: any free one)`,
    EACCES: `this user may not open port ${port}; choose one from 1024 up`,
    EADDRNOTAVAIL: `this machine has no address ${host}; 127.0.0.1 serves this machine, 0.0.0.0 the network too`,
    ENOTFOUND: `the name ${host} cannot be resolved; give an IP address`,
  }[(cause as NodeJS.ErrnoException).code ?? ''];
  return `cannot serve HTTP at ${at}: ${problem ?? errorMessage(cause)}. The flag is --http-address`;
}
