import type { Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';
import { systemClock } from '../core/clock.js';
import type { TracePolicy } from '../core/trace-settings.js';
import type { TraceStatistics } from '../core/tracer.js';
import type { Tracing } from '../tracing/tracing.js';

/** What traces requests, or null where the options name no collector: then what could send traces is not even loaded. */
export async function openTracing(
  { traceEndpoint: endpoint }: Pick<ServerOptions, 'traceEndpoint'>,
  policy: TracePolicy | null,
  statistics: TraceStatistics,
  logger: Logger,
): Promise<Tracing | null> {
  if (endpoint === null || policy === null) return null;
  const { Tracing } = await import('../tracing/tracing.js');
  const logLoss = (reason: string, spans: number): void =>
    logger.warn({ endpoint, reason, spans }, 'spans of traces are lost; they go to --trace-endpoint');
  return new Tracing({ endpoint, policy, clock: systemClock, statistics, logLoss });
}
