import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode, ServingError } from '../core/errors.js';
import type { ModelState } from '../core/model-state.js';
import type { ModelStatistics, StatisticsSink, StreamingCall, StreamStatistics } from '../core/statistics.js';
import type { ResponseCache } from '../core/response-cache.js';
import type { SpanLoss, TraceStatistics } from '../core/tracer.js';
import { registerCacheMetrics } from './cache-series.js';
import { BUILD_BUCKETS } from './engine-metric-definitions.js';
import { EngineMetrics } from './engine-metrics.js';
import { GpuSeries, type GpuSource } from './gpu-series.js';
import { registerMachineMetrics } from './machine-series.js';
import { METRICS, type MetricDefinition } from './metric-definitions.js';
import { registerModelMetrics } from './model-metrics.js';
import { ModelSeries } from './model-series.js';
import { TRITON_METRICS } from './triton-metric-definitions.js';

/** How one version is doing at the moment of a scrape. */
export interface ModelGauges {
  readonly model: string;
  readonly version: number;
  readonly state: ModelState;
  /** What waits; null where nothing can (the version is not READY). */
  readonly queue: { readonly requests: number; readonly bytes: number } | null;
  /** Null where there are none (the version is not READY). */
  readonly instances: { readonly total: number; readonly idle: number } | null;
  /** Null where there are none (the version is not READY, or its requests stand for themselves). */
  readonly sequences: { readonly active: number; readonly backlog: number } | null;
}

/** What else is read once a scrape. */
export interface ServerReadings {
  /** Number of this process among those of the server, from 1. */
  readonly process: number;
  /** Connections of clients that are open. */
  readonly connections: () => number;
  /** Null: there is no GPU addon. */
  readonly gpus: GpuSource | null;
  /** Null: no answers are kept. */
  readonly responses: ResponseCache | null;
  /** Seconds since 1970; null: there is no certificate. */
  readonly certificateExpiry: () => number | null;
}

/** All metrics of a process at one moment, as they can be sent to another. */
export type MetricSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What `/metrics` answers, and `/v1/status` reads. */
export interface MetricsSource {
  /** Value of the Content-Type header that belongs to `text`. */
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>;
  snapshot(): Promise<MetricSnapshot>;
}

const STATES = Object.keys({
  LOADING: true,
  READY: true,
  UNLOADING: true,
  UNAVAILABLE: true,
} satisfies Record<ModelState, true>);

/**
 * The metrics of a server process for Prometheus, in a registry of their own. Counts and durations are pushed through the
 * statistics sink into plain numbers, which become series when they are scraped; gauges are read from `models` and
 * `readings` once a scrape.
 */
export class Metrics implements StatisticsSink, TraceStatistics, MetricsSource {
  /** Told of plans for GPUs. */
  readonly engines: EngineMetrics;
  readonly #registry = new Registry();
  readonly #models: () => Iterable<ModelGauges>;
  readonly #readings: ServerReadings;
  readonly #series = new Map<string, ModelSeries>();
  readonly #queuedRequests = this.#gauge(METRICS.queuedRequests);
  readonly #pending = this.#gauge(TRITON_METRICS.pending);
  readonly #queuedBytes = this.#gauge(METRICS.queuedBytes);
  readonly #instances = this.#gauge(METRICS.instances);
  readonly #sequences = this.#gauge(METRICS.sequences);
  readonly #modelState = this.#gauge(METRICS.modelState);
  readonly #modelGauges = [
    this.#queuedRequests,
    this.#pending,
    this.#queuedBytes,
    this.#instances,
    this.#sequences,
    this.#modelState,
  ];
  readonly #streamsOpen = this.#gauge(METRICS.streamsOpen);
  readonly #streams = this.#counter(METRICS.streams);
  readonly #connections = this.#gauge(METRICS.connections);
  readonly #refusedCalls = this.#counter(METRICS.refusedCalls);
  readonly #certificateExpiry = this.#gauge(METRICS.certificateExpiry);
  readonly #spansExported = this.#counter(METRICS.spansExported);
  readonly #spansLost = this.#counter(METRICS.spansLost);
  readonly #gpus: GpuSeries | null;

  constructor(models: () => Iterable<ModelGauges>, readings: Partial<ServerReadings> = {}) {
    this.#models = models;
    const none = { process: 1, connections: () => 0, gpus: null, responses: null, certificateExpiry: () => null };
    this.#readings = { ...none, ...readings };
    const { gpus, responses } = this.#readings;
    this.#gpus = gpus === null ? null : new GpuSeries(this.#registry, gpus);
    registerModelMetrics(this.#registry, () => this.#series.values());
    registerCacheMetrics(this.#registry, responses);
    registerMachineMetrics(this.#registry);
    this.engines = new EngineMetrics({
      lookups: this.#counter(METRICS.planLookups),
      builds: this.#counter(METRICS.builds),
      seconds: this.#histogram(METRICS.buildSeconds, BUILD_BUCKETS),
      progress: this.#gauge(METRICS.buildProgress),
    });
    collectDefaultMetrics({ register: this.#registry });
    for (const reason of ['queue_full', 'not_taken'] satisfies SpanLoss[]) this.#spansLost.inc({ reason }, 0);
    for (const call of ['Detect', 'Embed'] satisfies StreamingCall[]) this.#streamsOpen.set({ call }, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    this.#readGauges();
    return await this.#registry.metrics();
  }

  async snapshot(): Promise<MetricSnapshot> {
    this.#readGauges();
    return await this.#registry.getMetricsAsJSON();
  }

  forModel(model: string, version: number): ModelStatistics {
    // A version that is reloaded is there twice for a while: the series go with the last of the two.
    const key = seriesKey(model, version);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new ModelSeries(model, version);
      this.#series.set(key, series);
    }
    return series.open(() => this.#series.delete(key));
  }

  modelLoaded(model: string, version: number, seconds: number): void {
    const series = this.#series.get(seriesKey(model, version));
    if (series !== undefined) series.loadSeconds = seconds;
  }

  streamOpened(call: StreamingCall): StreamStatistics {
    this.#streamsOpen.inc({ call });
    return {
      ended: (error: ServingError | null) => {
        this.#streamsOpen.dec({ call });
        this.#streams.inc({ call, outcome: error?.code ?? 'OK' });
      },
    };
  }

  /** A call was not let in. */
  callRefused(reason: ErrorCode): void {
    this.#refusedCalls.inc({ reason });
  }

  spansExported(count: number): void {
    this.#spansExported.inc(count);
  }

  spansLost(count: number, reason: SpanLoss): void {
    this.#spansLost.inc({ reason }, count);
  }

  #readGauges(): void {
    const expiry = this.#readings.certificateExpiry();
    // A gauge without labels would say 0 before it is set.
    if (expiry === null) this.#certificateExpiry.remove();
    else this.#certificateExpiry.set(expiry);
    this.#connections.set({ process: String(this.#readings.process) }, this.#readings.connections());
    this.#gpus?.update();
    for (const gauge of this.#modelGauges) gauge.reset();
    for (const { model, version, state, queue, instances, sequences } of this.#models()) {
      const labels = { model, version: String(version) };
      for (const name of STATES) this.#modelState.set({ ...labels, state: name }, name === state ? 1 : 0);
      if (queue !== null) {
        this.#queuedRequests.set(labels, queue.requests);
        this.#pending.set(labels, queue.requests);
        this.#queuedBytes.set(labels, queue.bytes);
      }
      if (instances !== null) {
        this.#instances.set({ ...labels, state: 'idle' }, instances.idle);
        this.#instances.set({ ...labels, state: 'busy' }, instances.total - instances.idle);
      }
      if (sequences !== null) {
        this.#sequences.set({ ...labels, state: 'active' }, sequences.active);
        this.#sequences.set({ ...labels, state: 'backlog' }, sequences.backlog);
      }
    }
  }

  #counter<const T extends MetricDefinition>({ name, help, labels }: T): Counter<T['labels'][number]> {
    return new Counter({ name, help, labelNames: labels, registers: [this.#registry] });
  }

  #gauge<const T extends MetricDefinition>({ name, help, labels, merge }: T): Gauge<T['labels'][number]> {
    return new Gauge({ name, help, labelNames: labels, aggregator: merge ?? 'sum', registers: [this.#registry] });
  }

  #histogram<const T extends MetricDefinition>(definition: T, buckets: number[]): Histogram<T['labels'][number]> {
    const { name, help, labels } = definition;
    return new Histogram({ name, help, labelNames: labels, buckets, registers: [this.#registry] });
  }
}

function seriesKey(model: string, version: number): string {
  return `${version}/${model}`;
}
