import type { CallTrace, HttpOrigin, Tracer } from '../core/tracer.js';

/** Begins the trace of a call of the HTTP port, below the span of the client that its headers may name. Null: nothing is traced. */
export function traceHttpCall(tracer: Tracer | null, origin: HttpOrigin): CallTrace | null {
  if (tracer === null) return null;
  const { route } = origin;
  return tracer.callBegan({
    name: `POST ${route}`,
    attributes: { 'http.request.method': 'POST', 'http.route': route },
    header: (name) => origin[name],
  });
}
