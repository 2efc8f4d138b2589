import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TraceStatistics } from '../core/tracer.js';

/** Spans that wait or are being sent; each takes about a kilobyte. More are dropped. */
const MOST_SPANS = 4096;
const BATCH_SPANS = 512;

const FLUSH_MILLISECONDS = 2000;

/** Between two lines of the log about spans that do not arrive. */
const LOG_MILLISECONDS = 60_000;

export interface SpanOutletOptions {
  readonly statistics: TraceStatistics;
  /** Told that spans are lost, and how many since it was last told. */
  readonly log: (reason: string, spans: number) => void;
  /** Milliseconds since an arbitrary start. */
  readonly now: () => number;
  /** How long the last spans may take to be sent when the server ends; left out: two seconds. */
  readonly flushMilliseconds?: number;
}

/** Sends spans in batches, so many at a time that a collector that is slow or away costs a bounded amount of memory. */
export class SpanOutlet implements AsyncDisposable {
  readonly #options: SpanOutletOptions;
  readonly #processor: BatchSpanProcessor;
  #pending = 0;
  #loggedAt = -Infinity;
  /** Lost since the log told of it. */
  #lost = 0;

  constructor(exporter: SpanExporter, options: SpanOutletOptions) {
    this.#options = options;
    const limits = { maxQueueSize: MOST_SPANS, maxExportBatchSize: BATCH_SPANS };
    this.#processor = new BatchSpanProcessor(this.#counted(exporter), limits);
  }

  /** Takes spans, or drops all of them where there is no room for so many. */
  send(spans: readonly ReadableSpan[]): void {
    if (this.#pending + spans.length > MOST_SPANS) {
      this.#options.statistics.spansLost(spans.length, 'queue_full');
      this.#tell('they come faster than they are sent', spans.length);
      return;
    }
    this.#pending += spans.length;
    for (const span of spans) this.#processor.onEnd(span);
  }

  /** Sends what waits, if that can be done in a short time. */
  async [Symbol.asyncDispose](): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.flushMilliseconds ?? FLUSH_MILLISECONDS);
    });
    await Promise.race([this.#processor.shutdown(), timedOut]);
    clearTimeout(timer);
    if (this.#pending > 0) this.#options.log('the server ends before they are sent', this.#pending);
  }

  /** An exporter that counts what becomes of spans. It fails towards us only: the processor would tell everybody. */
  #counted(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans: ReadableSpan[], done: (result: ExportResult) => void) => {
        exporter.export(spans, ({ code, error }) => {
          this.#pending -= spans.length;
          if (code === ExportResultCode.SUCCESS) this.#options.statistics.spansExported(spans.length);
          else {
            this.#options.statistics.spansLost(spans.length, 'not_taken');
            this.#tell(error?.message || 'the collector refused them', spans.length);
          }
          done({ code: ExportResultCode.SUCCESS });
        });
      },
      shutdown: () => exporter.shutdown(),
    };
  }

  #tell(reason: string, spans: number): void {
    this.#lost += spans;
    const now = this.#options.now();
    if (now - this.#loggedAt < LOG_MILLISECONDS) return;
    this.#loggedAt = now;
    this.#options.log(reason, this.#lost);
    this.#lost = 0;
  }
}
