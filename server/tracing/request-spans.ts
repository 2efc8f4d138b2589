import { SpanKind, type Attributes, type SpanContext } from '@opentelemetry/api';
import type { RequestTimings, StepResult } from '../core/inference.js';
import type { TracedRequest } from '../core/tracer.js';
import { childContext, type SpanFacts } from './span.js';

/** What of a span does not come from its request. */
export interface RequestSpanContext {
  /** The span of the call. */
  readonly parent: SpanContext;
  readonly call: string;
  /** Microseconds of the clock. */
  readonly now: number;
  readonly newSpanId: () => string;
}

const PHASES = ['decode', 'preprocess', 'infer', 'postprocess'] as const;

/**
 * The span of a request from its arrival to now, and those below it: queue; then decode, preprocess, infer and
 * postprocess of its batch one after the other, or the stages of its pipeline or the steps of its ensemble with theirs;
 * respond, what came between the results and the answer: earlier frames of the stream, tracking, drawing. Between
 * postprocess and respond is the way of the batch to its thread and back.
 */
export function requestSpans(request: TracedRequest, context: RequestSpanContext): SpanFacts[] {
  const { arrivedAt, timings, stages, steps, error } = request;
  const { parent, now } = context;
  const own = childContext(parent, context.newSpanId());
  const spans: SpanFacts[] = [
    {
      name: 'request',
      kind: SpanKind.INTERNAL,
      context: own,
      parent,
      from: arrivedAt,
      to: now,
      attributes: attributesOf(request, context.call),
      error,
    },
  ];
  if (timings === null) return spans;
  spans.push(...phaseSpans(own, arrivedAt, timings, (stages ?? steps) !== undefined, context));
  for (const stage of stages ?? []) {
    spans.push(...stepSpans(own, `stage ${stage.name}`, stage, { 'sluice.regions': stage.regions }, context));
  }
  for (const step of steps ?? []) spans.push(...stepSpans(own, step.name, step, {}, context));
  const settledAt = arrivedAt + timings.total;
  if (timings.batchSize > 0 && now > settledAt) {
    spans.push(phaseSpan('respond', own, settledAt, now - settledAt, context));
  }
  return spans;
}

function attributesOf({ model, version, id, index, timings, error }: TracedRequest, call: string): Attributes {
  return {
    'sluice.call': call,
    'sluice.model.name': model,
    ...(version === null ? {} : { 'sluice.model.version': String(version) }),
    ...(id === '' ? {} : { 'sluice.request.id': id }),
    'sluice.request.index': index,
    ...(timings === null ? {} : { 'sluice.batch.size': timings.batchSize }),
    'sluice.status': error?.code ?? 'OK',
  };
}

/** One that had nothing to do has no span. */
function stepSpans(
  parent: SpanContext,
  name: string,
  { model, version, timings, startedAt, error, steps }: StepResult,
  more: Attributes,
  context: RequestSpanContext,
): SpanFacts[] {
  if (timings === null || startedAt === null) return [];
  const own = childContext(parent, context.newSpanId());
  const attributes: Attributes = {
    'sluice.model.name': model,
    ...(version === null ? {} : { 'sluice.model.version': String(version) }),
    ...more,
    'sluice.batch.size': timings.batchSize,
    'sluice.status': error?.code ?? 'OK',
  };
  return [
    {
      name,
      kind: SpanKind.INTERNAL,
      context: own,
      parent,
      from: startedAt,
      to: startedAt + timings.total,
      attributes,
      error,
    },
    ...phaseSpans(own, startedAt, timings, steps !== undefined, context),
    ...(steps ?? []).flatMap((step) => stepSpans(own, step.name, step, {}, context)),
  ];
}

/** The queue, and unless that is all there is to tell, the phases of the batch. */
function phaseSpans(
  parent: SpanContext,
  from: number,
  timings: RequestTimings,
  onlyQueue: boolean,
  context: RequestSpanContext,
): SpanFacts[] {
  const spans = [phaseSpan('queue', parent, from, timings.queue, context)];
  // A batch that failed as a whole has spent no time that anybody has told.
  if (onlyQueue || PHASES.every((phase) => timings[phase] === 0)) return spans;
  let at = from + timings.queue;
  for (const phase of PHASES) {
    spans.push(phaseSpan(phase, parent, at, timings[phase], context));
    at += timings[phase];
  }
  return spans;
}

function phaseSpan(
  name: string,
  parent: SpanContext,
  from: number,
  duration: number,
  { newSpanId }: RequestSpanContext,
): SpanFacts {
  const own = childContext(parent, newSpanId());
  return {
    name,
    kind: SpanKind.INTERNAL,
    context: own,
    parent,
    from,
    to: from + duration,
    attributes: {},
    error: null,
  };
}
