import test from 'ava';
import { RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import type { TraceSettings } from '../../server/core/trace-settings.js';
import type { TracedCall, TracedRequest } from '../../server/core/tracer.js';
import { CallSpans } from '../../server/tracing/call-spans.js';
import type { SpanFacts } from '../../server/tracing/span.js';
import { FakeClock } from '../support/fake-clock.js';
import { timings } from '../support/recording-statistics.js';

const REQUEST: TracedRequest = {
  model: 'face',
  version: 1,
  id: '',
  index: 0,
  arrivedAt: 0,
  timings: timings(1000),
  error: null,
};

/** A call whose choices come from `random`, under settings that the test changes. */
function begin(random: readonly number[], settings: { now: TraceSettings }, headers: Record<string, string> = {}) {
  const sent: SpanFacts[] = [];
  const choices = [...random];
  const call: TracedCall = { name: 'Service/Call', attributes: {}, header: (name) => headers[name] };
  const trace = new CallSpans(call, {
    clock: new FakeClock(),
    ids: new RandomIdGenerator(),
    policy: { settings: () => settings.now, spend: (_model, traced) => traced() },
    send: (spans) => void sent.push(...spans),
    random: () => choices.shift()!,
  });
  return { trace, names: () => sent.filter(({ name }) => ['request', 'Service/Call'].includes(name)), sent };
}

test('Without a context each request is chosen for itself, all of them in one trace', (t) => {
  const { trace, names } = begin([0.1, 0.5, 0.2, 0.3], { now: { enabled: true, ratio: 0.3, count: -1 } });
  for (let index = 0; index < 4; index++) trace.answered({ ...REQUEST, index });
  trace.ended(null);
  const spans = names();
  t.deepEqual(
    spans.map(({ name, attributes }) => [name, attributes['sluice.request.index']]),
    [
      ['request', 0],
      ['request', 2],
      ['Service/Call', undefined],
    ],
  );
  t.is(spans[2]!.parent, undefined);
  t.is(spans[2]!.attributes['sluice.requests'], 4);
  for (const request of spans.slice(0, 2)) t.is(request.parent?.spanId, spans[2]!.context.spanId);
  t.is(new Set(spans.map(({ context }) => context.traceId)).size, 1);
});

test('A call of which no request was chosen leaves nothing, and one that had no request is chosen at its end', (t) => {
  const settings = { now: { enabled: true, ratio: 0.3, count: -1 } };
  const unchosen = begin([0.9], settings);
  unchosen.trace.answered(REQUEST);
  unchosen.trace.ended(null);
  t.deepEqual(unchosen.sent, []);
  const empty = begin([0.1], settings);
  empty.trace.ended(null);
  t.deepEqual(
    empty.names().map(({ name }) => name),
    ['Service/Call'],
  );
});

test('Changed settings hold for calls that are under way', (t) => {
  const settings: { now: TraceSettings } = { now: { enabled: true, ratio: 0, count: -1 } };
  const { trace, sent } = begin([0, 0, 0.5], settings);
  trace.answered(REQUEST);
  t.is(sent.length, 0, 'a share of 0 is nothing');
  settings.now = { enabled: true, ratio: 1, count: -1 };
  trace.answered(REQUEST);
  t.true(sent.length > 0);
  settings.now = { enabled: false, ratio: 1, count: -1 };
  const before = sent.length;
  trace.answered(REQUEST);
  t.is(sent.length, before);
});

test('Switched off, what clients ask for is not traced either', (t) => {
  const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  const settings: { now: TraceSettings } = { now: { enabled: false, ratio: 1, count: -1 } };
  const { trace, sent } = begin([], settings, headers);
  trace.answered(REQUEST);
  t.deepEqual(sent, []);
  settings.now = { enabled: true, ratio: 0, count: -1 };
  trace.answered(REQUEST);
  t.is(sent[0]?.context.traceId, 'a'.repeat(32));
});

test('A request that was never queued has no phases, one that only waited has the queue', (t) => {
  const settings = { now: { enabled: true, ratio: 1, count: -1 } };
  const namesOf = (request: TracedRequest): string[] => {
    const { trace, sent } = begin([0], settings);
    trace.answered(request);
    return sent.map(({ name }) => name);
  };
  t.deepEqual(namesOf({ ...REQUEST, timings: null }), ['request']);
  t.deepEqual(namesOf({ ...REQUEST, timings: timings(1000, { queue: 1000, batchSize: 0 }) }), ['request', 'queue']);
});

test('Spans of a request that may be traced in the end come then, and the call that is over by then with the first', (t) => {
  const waiting: (() => void)[] = [];
  const sent: string[] = [];
  const call: TracedCall = { name: 'Service/Call', attributes: {}, header: () => undefined };
  const trace = new CallSpans(call, {
    clock: new FakeClock(),
    ids: new RandomIdGenerator(),
    policy: {
      settings: () => ({ enabled: true, ratio: 1, count: 2 }),
      spend: (_model, traced) => void waiting.push(traced),
    },
    send: (spans) => void sent.push(...spans.map(({ name }) => name)),
    random: () => 0,
  });
  for (let index = 0; index < 3; index++) trace.answered({ ...REQUEST, index, timings: null });
  trace.ended(null);
  t.deepEqual(sent, []);
  waiting[0]!();
  t.deepEqual(sent, ['request', 'Service/Call']);
  waiting[2]!();
  t.deepEqual(sent, ['request', 'Service/Call', 'request']);
});

test('Where as many requests were traced as may be, nothing is even asked for', (t) => {
  const settings = { now: { enabled: true, ratio: 1, count: 0 } };
  const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  const { trace, sent } = begin([], settings, headers);
  trace.answered(REQUEST);
  trace.ended(null);
  t.deepEqual(sent, []);
});
