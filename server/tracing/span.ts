import {
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
  type SpanKind,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR_ERROR_TYPE, ATTR_EXCEPTION_MESSAGE, ATTR_EXCEPTION_TYPE } from '@opentelemetry/semantic-conventions';
import { GrpcStatus, type ServingError } from '../core/errors.js';

/** A span that is over. */
export interface SpanFacts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  /** Left out: it is the root of its trace. */
  readonly parent?: SpanContext | undefined;
  /** Microseconds of the clock. */
  readonly from: number;
  readonly to: number;
  readonly attributes: Attributes;
  readonly error: ServingError | null;
}

const SCOPE = { name: 'sluice' };

/** Statuses that OpenTelemetry takes for faults of a server; of others the client is to blame. */
const FAULTS: ReadonlySet<GrpcStatus> = new Set([
  GrpcStatus.DEADLINE_EXCEEDED,
  GrpcStatus.UNIMPLEMENTED,
  GrpcStatus.INTERNAL,
  GrpcStatus.UNAVAILABLE,
]);

/**
 * The span as exporters take it: made when it is over, so that what is not sampled never becomes one. `epoch` is the whole
 * number of microseconds since 1970 at time 0 of the clock.
 */
export function toSpan(facts: SpanFacts, epoch: number, resource: Resource): ReadableSpan {
  const { name, kind, context, parent, from, to, attributes, error } = facts;
  const isFault = error !== null && FAULTS.has(error.status);
  return {
    name,
    kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    startTime: hrTime(epoch, from),
    endTime: hrTime(epoch, to),
    duration: hrTime(0, to - from),
    ended: true,
    status: isFault ? { code: SpanStatusCode.ERROR, message: error.message } : { code: SpanStatusCode.UNSET },
    attributes: error === null ? attributes : { ...attributes, [ATTR_ERROR_TYPE]: error.code },
    events: error === null ? [] : [exceptionEvent(error, hrTime(epoch, to))],
    links: [],
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** The context of a new span below another. */
export function childContext(parent: SpanContext, spanId: string): SpanContext {
  const { traceId, traceState } = parent;
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return traceState === undefined ? context : { ...context, traceState };
}

/** Those who read traces run the server: they see what is hidden from clients. */
function exceptionEvent(error: ServingError, time: HrTime): ReadableSpan['events'][number] {
  const attributes = { [ATTR_EXCEPTION_TYPE]: error.code, [ATTR_EXCEPTION_MESSAGE]: error.message };
  return { name: 'exception', time, attributes };
}

/** Seconds and nanoseconds. Kept apart, the parts keep nanoseconds that their sum, as one number, would lose. */
function hrTime(epoch: number, microseconds: number): HrTime {
  const whole = Math.floor(microseconds);
  const nanoseconds = Math.round((microseconds - whole) * 1000);
  const seconds = Math.floor((epoch + whole) / 1e6);
  const rest = (epoch + whole - seconds * 1e6) * 1000 + nanoseconds;
  return rest < 1e9 ? [seconds, rest] : [seconds + 1, rest - 1e9];
}
