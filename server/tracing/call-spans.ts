import { SpanKind, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import type { IdGenerator } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../core/clock.js';
import type { ServingError } from '../core/errors.js';
import type { CallTrace, TracedCall, TracedRequest, TraceSettings } from '../core/tracer.js';
import { requestSpans } from './request-spans.js';
import type { SpanFacts } from './span.js';

/** What the traces of all calls share. */
export interface TraceTools {
  readonly clock: Clock;
  readonly ids: IdGenerator;
  /** As they are now. */
  readonly settings: () => TraceSettings;
  /** Takes spans that are over; `epoch` as for `toSpan`. */
  readonly send: (spans: readonly SpanFacts[], epoch: number) => void;
  /** 0 to below 1. */
  readonly random: () => number;
}

/**
 * The spans of one call: its own, which ends with it, and below it those of its requests. What a client decided about its
 * trace holds for the whole call. Where it decided nothing each request is chosen for itself, since a stream may last for
 * days: the ratio then takes a share of every stream's frames, and not all frames of a share of the streams.
 */
export class CallSpans implements CallTrace {
  readonly #call: TracedCall;
  readonly #tools: TraceTools;
  /** The client's span; null: it sent none. */
  readonly #remote: SpanContext | null;
  readonly #beganAt: number;
  /** As for `toSpan`: one for all spans of the call, so that they fit each other. */
  readonly #epoch: number;
  /** Made when the first span needs it. */
  #own: SpanContext | null = null;
  #requests = 0;

  constructor(call: TracedCall, tools: TraceTools) {
    this.#call = call;
    this.#tools = tools;
    this.#remote = readContext(call);
    this.#beganAt = tools.clock.now();
    this.#epoch = Date.now() * 1000 - Math.round(this.#beganAt);
  }

  answered(request: TracedRequest): void {
    this.#requests += 1;
    if (!this.#chosen()) return;
    const { clock, ids, send } = this.#tools;
    send(
      requestSpans(request, {
        parent: this.#context(),
        call: this.#call.name,
        now: clock.now(),
        newSpanId: () => ids.generateSpanId(),
      }),
      this.#epoch,
    );
  }

  ended(error: ServingError | null): void {
    // A call that failed before its first request can be chosen too.
    if (this.#own === null && !(this.#requests === 0 && this.#chosen())) return;
    const { name, attributes } = this.#call;
    const span = {
      name,
      kind: SpanKind.SERVER,
      context: this.#context(),
      parent: this.#remote ?? undefined,
      from: this.#beganAt,
      to: this.#tools.clock.now(),
      attributes: { ...attributes, 'sluice.requests': this.#requests, 'sluice.status': error?.code ?? 'OK' },
      error,
    };
    this.#tools.send([span], this.#epoch);
  }

  #chosen(): boolean {
    const { enabled, ratio } = this.#tools.settings();
    if (!enabled) return false;
    if (this.#remote !== null) return (this.#remote.traceFlags & TraceFlags.SAMPLED) !== 0;
    return this.#tools.random() < ratio;
  }

  #context(): SpanContext {
    const { ids } = this.#tools;
    this.#own ??= {
      traceId: this.#remote?.traceId ?? ids.generateTraceId(),
      spanId: ids.generateSpanId(),
      traceFlags: TraceFlags.SAMPLED,
      ...(this.#remote?.traceState === undefined ? {} : { traceState: this.#remote.traceState }),
    };
    return this.#own;
  }
}

/** The W3C context of the call; null: there is none, or it makes no sense. */
function readContext(call: TracedCall): SpanContext | null {
  const parent = parseTraceParent(call.header('traceparent') ?? '');
  if (parent === null) return null;
  const state = call.header('tracestate');
  return { ...parent, isRemote: true, ...(state === undefined ? {} : { traceState: new TraceState(state) }) };
}
