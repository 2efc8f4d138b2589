import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What pages of other origins may send beside what every page may, and read beside the body. */
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Encoding',
  'Content-Type',
  'Inference-Header-Content-Length',
  'traceparent',
  'tracestate',
].join(', ');
const ANSWER_HEADERS = 'Inference-Header-Content-Length';

/** How long a browser need not ask again: what it is told only changes with a restart of the server. */
const SECONDS = '600';

/**
 * Lets pages of these origins, `*` for all, use the port: browsers ask for that. Those of others see nothing of it, and
 * change nothing: a browser sends a plain POST for any page, also to a port that only its own machine reaches.
 */
export function guardOrigins(app: FastifyInstance, origins: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    const { method, headers } = request;
    if (method !== 'POST' || isOwn(headers) || allowedFor(request, origins) !== null) return;
    const error = `a page of ${headers.origin} may not use this port; name it in --allowed-origins`;
    return reply.code(403).send({ error });
  });
  if (origins.length === 0) return;
  // For errors, too: a page is to see what was wrong.
  app.addHook('onSend', async (request, reply) => {
    tellVary(reply);
    const allowed = allowedFor(request, origins);
    if (allowed === null) return;
    reply.header('access-control-allow-origin', allowed).header('access-control-expose-headers', ANSWER_HEADERS);
    if (request.method !== 'OPTIONS') return;
    reply.header('access-control-allow-methods', 'GET, POST').header('access-control-allow-headers', REQUEST_HEADERS);
    reply.header('access-control-max-age', SECONDS);
  });
  // What a browser asks before the request itself, without the page's token.
  app.options('*', { config: { group: 'open' } }, (_request, reply) => reply.code(204).send());
}

/** Whether it comes from no page, or from one of this port. */
function isOwn({ origin, host }: FastifyRequest['headers']): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Null: it comes from no page, or from one that is not let in. */
function allowedFor({ headers: { origin } }: FastifyRequest, origins: readonly string[]): string | null {
  if (origin === undefined) return null;
  if (origins.includes('*')) return '*';
  return origins.includes(origin) ? origin : null;
}

/** Whatever lies between must not give the answer for one origin to another. */
function tellVary(reply: FastifyReply): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined ? 'origin' : `${String(before)}, origin`);
}
