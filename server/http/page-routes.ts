import type { FastifyInstance, FastifyReply } from 'fastify';
import { TASK_INPUTS, TASK_KINDS } from '../core/tasks.js';
import { DURATION_BUCKETS } from './metric-definitions.js';
import type { MetricsSource } from './metrics.js';
import { readPageFiles, type PageFiles } from './page-files.js';
import type { Readiness } from './readiness.js';
import type { ModelStatus, ServerReport, ServerStatus } from './server-status.js';
import { StatusFigures } from './status-figures.js';
import { addTryRoutes, type TrySource } from './try-routes.js';

/** What the page shows, and what it asks for. */
export interface PageSource extends TrySource {
  /** Of the package. */
  readonly version: string;
  /** How many processes serve, and what they tell. */
  readonly report: () => Promise<ServerReport & { readonly processes: number }>;
}

/** Nothing of other hosts, nothing inline; pictures that the page itself has made. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** What the server has for every way of looking at it. */
interface Shared {
  readonly metrics: MetricsSource;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** What `/` lists for those that want no page. */
  readonly endpoints: object;
}

/** The live page, `/v1/status` that it draws from, and the way by which it tries pictures. */
export function addPageRoutes(
  app: FastifyInstance,
  source: PageSource,
  { metrics, readiness, endpoints }: Shared,
): void {
  let files: Promise<PageFiles> | null = null;
  const sendFile = async (reply: FastifyReply, name: string): Promise<FastifyReply> => {
    const file = (await (files ??= readPageFiles())).get(name);
    if (file === undefined) {
      reply.callNotFound();
      return reply;
    }
    return reply.headers(PAGE_HEADERS).type(file.type).send(file.bytes);
  };
  app.get('/', { config: { group: 'open' } }, async (request, reply) => {
    reply.header('vary', 'accept');
    return request.headers.accept?.includes('text/html') === true
      ? sendFile(reply, 'index.html')
      : reply.send(endpoints);
  });
  app.get<{ Params: { file: string } }>('/page/:file', { config: { group: 'open' } }, (request, reply) =>
    sendFile(reply, request.params.file),
  );
  app.get('/v1/status', { config: { group: 'statistics' } }, async (): Promise<ServerStatus> => {
    const [report, snapshot, ready] = await Promise.all([source.report(), metrics.snapshot(), readiness()]);
    const figures = new StatusFigures(snapshot);
    return {
      name: 'sluice',
      version: source.version,
      uptime_seconds: process.uptime(),
      readiness: ready,
      processes: report.processes,
      connections: figures.connections,
      duration_bounds: DURATION_BUCKETS,
      models: report.models.map((model) => modelStatus(model, figures)),
      errors: report.errors,
      gpus: figures.gpus,
    };
  });
  addTryRoutes(app, source);
}

function modelStatus({ name, task, versions }: ServerReport['models'][number], figures: StatusFigures): ModelStatus {
  return {
    name,
    task,
    call: task === null ? null : TASK_KINDS[task],
    input: task === null ? null : TASK_INPUTS[task],
    versions: versions.map((version) => ({ ...version, ...figures.version(name, version.version) })),
  };
}
