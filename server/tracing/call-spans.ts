import { SpanKind, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import type { IdGenerator } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../core/clock.js';
import type { ServingError } from '../core/errors.js';
import type { TracePolicy } from '../core/trace-settings.js';
import type { CallTrace, TracedCall, TracedRequest } from '../core/tracer.js';
import { requestSpans } from './request-spans.js';
import type { SpanFacts } from './span.js';

/** What the traces of all calls share. */
export interface TraceTools {
  readonly clock: Clock;
  readonly ids: IdGenerator;
  readonly policy: TracePolicy;
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
  /** Whether spans of it may be sent: a request of it is traced, or the call that had none. */
  #traced = false;
  /** The call's span, once it is over and until it is sent. */
  #over: SpanFacts | null = null;

  constructor(call: TracedCall, tools: TraceTools) {
    this.#call = call;
    this.#tools = tools;
    this.#remote = readContext(call);
    this.#beganAt = tools.clock.now();
    this.#epoch = Date.now() * 1000 - Math.round(this.#beganAt);
  }

  answered(request: TracedRequest): void {
    this.#requests += 1;
    const { model } = request;
    if (!this.#chosen(model)) return;
    const { clock, ids } = this.#tools;
    const spans = requestSpans(request, {
      parent: this.#context(),
      call: this.#call.name,
      now: clock.now(),
      newSpanId: () => ids.generateSpanId(),
    });
    this.#spend(model, spans);
  }

  ended(error: ServingError | null): void {
    // A call that failed before its first request can be chosen too.
    const without = this.#requests === 0;
    if (this.#own === null && !(without && this.#chosen(null))) return;
    const { name, attributes } = this.#call;
    this.#over = {
      name,
      kind: SpanKind.SERVER,
      context: this.#context(),
      parent: this.#remote ?? undefined,
      from: this.#beganAt,
      to: this.#tools.clock.now(),
      attributes: { ...attributes, 'sluice.requests': this.#requests, 'sluice.status': error?.code ?? 'OK' },
      error,
    };
    if (without) this.#spend(null, []);
    else this.#sendOver();
  }

  #spend(model: string | null, spans: readonly SpanFacts[]): void {
    const { policy, send } = this.#tools;
    policy.spend(model, () => {
      this.#traced = true;
      if (spans.length > 0) send(spans, this.#epoch);
      this.#sendOver();
    });
  }

  /** The call may be over before it is known that a request of it is traced. */
  #sendOver(): void {
    if (!this.#traced || this.#over === null) return;
    this.#tools.send([this.#over], this.#epoch);
    this.#over = null;
  }

  #chosen(model: string | null): boolean {
    const { enabled, ratio, count } = this.#tools.policy.settings(model);
    if (!enabled || count === 0) return false;
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
