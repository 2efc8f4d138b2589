import test from 'ava';
import { SpanKind, TraceFlags } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { toSpan } from '../../server/tracing/span.js';
import { SpanOutlet } from '../../server/tracing/span-outlet.js';
import { settle } from '../support/batcher-bench.js';

const CONTEXT = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };

function spans(count: number): ReadableSpan[] {
  const facts = { name: 'x', kind: SpanKind.INTERNAL, context: CONTEXT, from: 0, to: 1, attributes: {}, error: null };
  return Array.from({ length: count }, () => toSpan(facts, 0, emptyResource()));
}

const GOOD = { code: ExportResultCode.SUCCESS };
const BAD = { code: ExportResultCode.FAILED, error: new Error('no route') };

/** An outlet to an exporter whose exports end by hand, with what it counts and logs. */
function outlet() {
  const exports: { readonly count: number; readonly end: (result: ExportResult) => void }[] = [];
  const counted = { exported: 0, queue_full: 0, not_taken: 0 };
  const log: [reason: string, spans: number][] = [];
  const time = { now: 0 };
  const exporter = {
    export: (batch: ReadableSpan[], end: (result: ExportResult) => void) => {
      exports.push({ count: batch.length, end });
    },
    shutdown: async () => {},
  };
  const statistics = {
    spansExported: (count: number) => (counted.exported += count),
    spansLost: (count: number, why: 'queue_full' | 'not_taken') => (counted[why] += count),
  };
  const own = new SpanOutlet(exporter, {
    statistics,
    log: (reason, lost) => log.push([reason, lost]),
    now: () => time.now,
    flushMilliseconds: 20,
  });
  return { own, exports, counted, log, time };
}

test('Spans beyond the bound are dropped and counted, and there is room again when a batch is through', async (t) => {
  const { own, exports, counted, log } = outlet();
  for (let batch = 0; batch < 10; batch++) own.send(spans(512));
  t.is(counted.queue_full, 2 * 512);
  t.deepEqual(
    exports.map(({ count }) => count),
    [512],
    'one batch at a time',
  );
  t.is(log.length, 1);
  exports[0]!.end(GOOD);
  await settle();
  t.is(counted.exported, 512);
  own.send(spans(512));
  own.send(spans(1));
  t.is(counted.queue_full, 2 * 512 + 1);
  for (let batch = 1; batch < 9; batch++) {
    exports[batch]!.end(GOOD);
    await settle();
  }
  t.is(counted.exported, 9 * 512, 'all that was not dropped');
});

test('What a collector does not take is counted, and told once a minute with all that was lost since', async (t) => {
  const { own, exports, counted, log, time } = outlet();
  const fail = async (): Promise<void> => {
    own.send(spans(512));
    exports.at(-1)!.end(BAD);
    await settle();
  };
  await fail();
  time.now = 59_999;
  await fail();
  time.now = 60_000;
  await fail();
  t.is(counted.not_taken, 3 * 512);
  t.deepEqual(log, [
    ['no route', 512],
    ['no route', 1024],
  ]);
});

test('At the end what waits is sent, and a collector that does not answer is not waited for', async (t) => {
  const good = outlet();
  good.own.send(spans(3));
  const ending = good.own[Symbol.asyncDispose]();
  await settle();
  good.exports[0]!.end(GOOD);
  await ending;
  t.is(good.counted.exported, 3);
  t.deepEqual(good.log, []);

  const mute = outlet();
  mute.own.send(spans(3));
  await mute.own[Symbol.asyncDispose]();
  t.deepEqual(mute.log, [['the server ends before they are sent', 3]]);
  mute.exports[0]!.end(GOOD);
});
