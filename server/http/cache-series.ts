import type { Registry } from 'prom-client';
import type { CacheCounts, ResponseCache } from '../core/response-cache.js';
import type { MetricDefinition } from './metric-definitions.js';
import { registerReadMetric } from './read-metrics.js';
import { TRITON_METRICS } from './triton-metric-definitions.js';

/** Registers what `/metrics` tells of the answers that are kept; null: none are. */
export function registerCacheMetrics(registry: Registry, cache: Pick<ResponseCache, 'counts'> | null): void {
  const add = (definition: MetricDefinition, read: (counts: CacheCounts) => number): void =>
    registerReadMetric(registry, definition, () => (cache === null ? [] : [{ labels: {}, value: read(cache.counts) }]));
  add(TRITON_METRICS.cacheEntries, ({ entries }) => entries);
  add(TRITON_METRICS.cacheUtil, ({ used }) => used);
  add(TRITON_METRICS.cacheEvictions, ({ evictions }) => evictions);
}
