import type { Registry } from 'prom-client';
import type { ResponseCache } from '../core/response-cache.js';
import { registerReadMetric } from './read-metrics.js';
import { TRITON_METRICS } from './triton-metric-definitions.js';

/** Registers what `/metrics` tells of the answers that are kept. */
export function registerCacheMetrics(registry: Registry, cache: Pick<ResponseCache, 'counts'>): void {
  const sample = (value: number) => [{ labels: {}, value }];
  registerReadMetric(registry, TRITON_METRICS.cacheEntries, () => sample(cache.counts.entries));
  registerReadMetric(registry, TRITON_METRICS.cacheUtil, () => sample(cache.counts.used));
  registerReadMetric(registry, TRITON_METRICS.cacheEvictions, () => sample(cache.counts.evictions));
}
