import { hostname } from 'node:os';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { Clock } from '../core/clock.js';
import type { TracePolicy } from '../core/trace-settings.js';
import type { CallTrace, TracedCall, Tracer, TraceStatistics } from '../core/tracer.js';
import { CallSpans, type TraceTools } from './call-spans.js';
import { toSpan } from './span.js';
import { SpanOutlet, type SpanOutletOptions } from './span-outlet.js';

export interface TracingOptions {
  /** Of a collector, for OTLP over HTTP; all of it: `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string;
  readonly policy: TracePolicy;
  readonly clock: Clock;
  readonly statistics: TraceStatistics;
  readonly logLoss: SpanOutletOptions['log'];
}

/**
 * The door to OpenTelemetry: makes spans of what the server tells, and sends them to a collector. The variables
 * OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_SCHEDULE_DELAY and OTEL_EXPORTER_OTLP_ (headers, certificates,
 * compression, timeout) have their meaning.
 */
export class Tracing implements Tracer, AsyncDisposable {
  readonly #outlet: SpanOutlet;
  readonly #tools: TraceTools;

  constructor({ endpoint, policy, clock, statistics, logLoss }: TracingOptions) {
    const resource = ownResource();
    const exporter = new OTLPTraceExporter({ url: endpoint });
    this.#outlet = new SpanOutlet(exporter, { statistics, log: logLoss, now: () => performance.now() });
    this.#tools = {
      clock,
      ids: new RandomIdGenerator(),
      policy,
      send: (spans, epoch) => this.#outlet.send(spans.map((facts) => toSpan(facts, epoch, resource))),
      random: Math.random,
    };
  }

  callBegan(call: TracedCall): CallTrace {
    return new CallSpans(call, this.#tools);
  }

  /** Sends what waits, for a bounded time. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#outlet[Symbol.asyncDispose]();
  }
}

/** What is told of the server with every batch of spans; the environment goes before our own. */
function ownResource(): Resource {
  const own = { [ATTR_SERVICE_NAME]: 'sluice', [ATTR_SERVICE_INSTANCE_ID]: `${hostname()}:${process.pid}` };
  return resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }));
}
