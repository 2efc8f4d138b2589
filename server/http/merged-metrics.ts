import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { PROCESS_METRICS } from './metric-definitions.js';
import type { MetricSnapshot, MetricsSource } from './metrics.js';

/** How the processes of a server are doing at the moment of a scrape. */
export interface ProcessesReading {
  /** The metrics of each process that answered. */
  readonly snapshots: readonly MetricSnapshot[];
  /** Processes that there should be. */
  readonly total: number;
  /** Those that are ready. */
  readonly ready: number;
}

/**
 * The metrics of a server of several processes: counts and gauges add up. What a process that has ended had counted
 * stays in the sums: a counter that goes down would look like a restart of the whole server.
 */
export class MergedMetrics implements MetricsSource {
  readonly #registry = new Registry();
  readonly #read: () => Promise<ProcessesReading>;
  readonly #processes = new Gauge({
    name: PROCESS_METRICS.processes.name,
    help: PROCESS_METRICS.processes.help,
    labelNames: PROCESS_METRICS.processes.labels,
    registers: [this.#registry],
  });
  readonly #replaced = new Counter({
    name: PROCESS_METRICS.replaced.name,
    help: PROCESS_METRICS.replaced.help,
    registers: [this.#registry],
  });
  #ended: MetricSnapshot = [];

  constructor(read: () => Promise<ProcessesReading>) {
    this.#read = read;
    // Those of the process that watches over the others.
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await (await this.#merged()).metrics();
  }

  async snapshot(): Promise<MetricSnapshot> {
    return await (await this.#merged()).getMetricsAsJSON();
  }

  /** Keeps what a process had counted when it was last asked; null: it never was. */
  processEnded(last: MetricSnapshot | null): void {
    this.#replaced.inc();
    if (last === null) return;
    const counted = last.filter(({ type, aggregator }) => COUNTED.includes(String(type)) && aggregator === 'sum');
    // What is merged are its values already.
    this.#ended = merge([this.#ended, counted]).getMetricsAsArray() as unknown as MetricSnapshot;
  }

  async #merged(): Promise<Registry> {
    // Before the others are asked: one that ends meanwhile has been asked already.
    const ended = this.#ended;
    const { snapshots, total, ready } = await this.#read();
    this.#processes.set({ state: 'ready' }, ready);
    this.#processes.set({ state: 'not_ready' }, total - ready);
    return merge([await this.#own(), ended, ...snapshots]);
  }

  /** What it says of the event loop and the heap would only blur that of the processes that serve. */
  async #own(): Promise<MetricSnapshot> {
    const all: MetricSnapshot = await this.#registry.getMetricsAsJSON();
    return all
      .filter(({ name }) => !name.startsWith('nodejs_'))
      .map((metric) => (metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'first' } : metric));
  }
}

const COUNTED = ['counter', 'histogram'];

/** The first snapshot that has a metric says how its values become one. */
function merge(snapshots: readonly MetricSnapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
}
