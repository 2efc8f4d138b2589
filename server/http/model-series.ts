import type { Counter, Histogram } from 'prom-client';
import type { ErrorCode, ServingError } from '../core/errors.js';
import type { ExecutedBatch, ModelStatistics } from '../core/statistics.js';

/** The metrics that have series for each model version. */
export interface ModelMetrics {
  readonly requests: Counter<'model' | 'version'>;
  readonly failures: Counter<'model' | 'version' | 'reason'>;
  readonly framesDropped: Counter<'model' | 'version'>;
  readonly executedRequests: Counter<'model' | 'version'>;
  readonly requestSeconds: Histogram<'model' | 'version'>;
  readonly phaseSeconds: Histogram<'model' | 'version' | 'phase'>;
  readonly batchRows: Histogram<'model' | 'version'>;
}

interface ModelLabels {
  readonly model: string;
  readonly version: string;
}

const PHASES = ['queue', 'decode', 'preprocess', 'infer', 'postprocess'] as const;

/** The series of one model version. They appear at 0 when it is opened and go when its last user is disposed. */
export class ModelSeries {
  readonly #metrics: ModelMetrics;
  readonly #labels: ModelLabels;
  readonly #failures = new Map<ErrorCode, Counter.Internal>();
  readonly #statistics: Omit<ModelStatistics, 'dispose'>;
  #users = 0;

  constructor(metrics: ModelMetrics, labels: ModelLabels) {
    this.#metrics = metrics;
    this.#labels = labels;
    for (const counter of this.#counters()) counter.inc({ ...labels }, 0);
    for (const histogram of [metrics.requestSeconds, metrics.batchRows]) histogram.zero({ ...labels });
    for (const phase of PHASES) metrics.phaseSeconds.zero({ ...labels, phase });
    this.#statistics = this.#resolve();
  }

  /** A user of the series; `onEmpty` is called when the last one is disposed. */
  open(onEmpty: () => void): ModelStatistics {
    this.#users += 1;
    return {
      ...this.#statistics,
      dispose: () => {
        this.#users -= 1;
        if (this.#users > 0) return;
        this.#remove();
        onEmpty();
      },
    };
  }

  /** Looks the labels up once, so that a report costs no more than the additions. */
  #resolve(): Omit<ModelStatistics, 'dispose'> {
    const { model, version } = this.#labels;
    const requests = this.#metrics.requests.labels(model, version);
    const framesDropped = this.#metrics.framesDropped.labels(model, version);
    const executedRequests = this.#metrics.executedRequests.labels(model, version);
    const requestSeconds = this.#metrics.requestSeconds.labels(model, version);
    const batchRows = this.#metrics.batchRows.labels(model, version);
    const phase = (name: (typeof PHASES)[number]) => this.#metrics.phaseSeconds.labels(model, version, name);
    const queue = phase('queue');
    const decode = phase('decode');
    const preprocess = phase('preprocess');
    const infer = phase('infer');
    const postprocess = phase('postprocess');
    return {
      succeeded: (totalUs: number) => {
        requests.inc();
        requestSeconds.observe(totalUs / 1e6);
      },
      failed: ({ code }: ServingError) => {
        requests.inc();
        if (code === 'FRAME_DROPPED') framesDropped.inc();
        else this.#failure(code).inc();
      },
      batchExecuted: (batch: ExecutedBatch) => {
        executedRequests.inc(batch.requests);
        batchRows.observe(batch.rows);
        for (const waitedUs of batch.queueUs) queue.observe(waitedUs / 1e6);
        decode.observe(batch.decodeUs / 1e6);
        preprocess.observe(batch.preprocessUs / 1e6);
        infer.observe(batch.inferUs / 1e6);
        postprocess.observe(batch.postprocessUs / 1e6);
      },
    };
  }

  #failure(code: ErrorCode): Counter.Internal {
    let counter = this.#failures.get(code);
    if (counter === undefined) {
      counter = this.#metrics.failures.labels(this.#labels.model, this.#labels.version, code);
      this.#failures.set(code, counter);
    }
    return counter;
  }

  #counters(): Counter<'model' | 'version'>[] {
    return [this.#metrics.requests, this.#metrics.framesDropped, this.#metrics.executedRequests];
  }

  #remove(): void {
    const { model, version } = this.#labels;
    for (const counter of this.#counters()) counter.remove(model, version);
    for (const histogram of [this.#metrics.requestSeconds, this.#metrics.batchRows]) histogram.remove(model, version);
    for (const phase of PHASES) this.#metrics.phaseSeconds.remove(model, version, phase);
    for (const code of this.#failures.keys()) this.#metrics.failures.remove(model, version, code);
  }
}
