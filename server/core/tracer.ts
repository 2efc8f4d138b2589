import type { ServingError } from './errors.js';
import type { RequestTimings, StageResult, StepResult } from './inference.js';

/** A call of a client, as it begins. */
export interface TracedCall {
  /** As the protocol names it: `sluice.v1.Inference/Detect`. */
  readonly name: string;
  /** What else is told of it, in the words of OpenTelemetry. */
  readonly attributes: Readonly<Record<string, string>>;
  /** A header that came with it, by W3C's name; undefined: it has none, or more than one. */
  header(name: 'traceparent' | 'tracestate'): string | undefined;
}

/** What the trace of a call of the HTTP port begins with. */
export interface HttpOrigin {
  /** The path by which the call is served. */
  readonly route: string;
  /** W3C's headers. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** A request of a call (a frame of a stream, or all of a unary call), once it has its answer. */
export interface TracedRequest {
  readonly model: string;
  /** Null: it failed before a version was chosen. */
  readonly version: number | null;
  /** As the client named it; empty: it did not. */
  readonly id: string;
  /** Place among the requests of its call, from 0. */
  readonly index: number;
  /** Microseconds of the clock. */
  readonly arrivedAt: number;
  /** Null: it was never queued. */
  readonly timings: RequestTimings | null;
  /** Of a pipeline; left out: the model runs alone. */
  readonly stages?: readonly StageResult[] | undefined;
  /** Of an ensemble; left out: the model runs alone. */
  readonly steps?: readonly StepResult[] | undefined;
  /** Null: it was answered with results. */
  readonly error: ServingError | null;
}

/** The trace of one call. */
export interface CallTrace {
  /** A request has its answer now. */
  answered(request: TracedRequest): void;
  /** The call is over, by an error or as it should be: null. */
  ended(error: ServingError | null): void;
}

/** Told of every call, for whoever collects traces. Core knows this much of tracing, and no more. */
export interface Tracer {
  callBegan(call: TracedCall): CallTrace;
}

/** Why a span never reached whoever collects them; queue_full: they came faster than they could be sent. */
export type SpanLoss = 'queue_full' | 'not_taken';

/** Where the sending of spans is counted. */
export interface TraceStatistics {
  spansExported(count: number): void;
  spansLost(count: number, why: SpanLoss): void;
}
