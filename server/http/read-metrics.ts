import type { Metric, Registry } from 'prom-client';
import type { MetricDefinition } from './metric-definitions.js';

/** The value of a series, or of a part of a histogram's, at the moment of a scrape. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of a histogram: the name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** Where the samples of a metric come from. */
export type SampleSource = () => Iterable<Sample>;

/**
 * Registers a metric whose samples are read at each scrape. What is counted for every request is counted elsewhere, in
 * plain numbers: a call of prom-client looks its labels up each time, which takes about half a microsecond.
 */
export function registerReadMetric(registry: Registry, definition: MetricDefinition, read: SampleSource): void {
  const { name, help, type, merge } = definition;
  const facts = { name, help, type, aggregator: merge ?? 'sum' };
  // What a registry asks of a metric; its merging of registries makes metrics of the same kind.
  const metric = { ...facts, get: async () => ({ ...facts, values: [...read()] }) };
  registry.registerMetric(metric as unknown as Metric);
}
