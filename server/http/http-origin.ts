import type { FastifyRequest } from 'fastify';
import type { HttpOrigin } from '../core/tracer.js';

/** Where a request comes from, for its trace. */
export function originOf({ headers, routeOptions }: FastifyRequest): HttpOrigin {
  return {
    route: routeOptions.url ?? '',
    traceparent: header(headers['traceparent']),
    tracestate: header(headers['tracestate']),
  };
}

/** A header that came once or more often. */
export function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
