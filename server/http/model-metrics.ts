import type { Registry } from 'prom-client';
import { FAILURE_REASONS, type InferenceCounts } from '../core/inference-counts.js';
import { METRICS, type MetricDefinition } from './metric-definitions.js';
import { PHASES, type ModelSeries } from './model-series.js';
import { registerReadMetric, type Sample } from './read-metrics.js';
import { TRITON_METRICS } from './triton-metric-definitions.js';

/** Registers what `/metrics` tells of each of the versions in `all`, which is read at every scrape. */
export function registerModelMetrics(registry: Registry, all: () => Iterable<ModelSeries>): void {
  const add = (definition: MetricDefinition, read: (series: ModelSeries) => Iterable<Sample>): void =>
    registerReadMetric(registry, definition, function* () {
      for (const series of all()) yield* read(series);
    });
  const count = (definition: MetricDefinition, read: (counts: InferenceCounts) => number): void =>
    add(definition, ({ labels, counts }) => [{ labels, value: read(counts) }]);

  count(METRICS.requests, ({ requests }) => requests);
  add(METRICS.failures, function* ({ labels, counts }) {
    for (const [reason, value] of counts.failures) yield { labels: { ...labels, reason }, value };
  });
  count(METRICS.framesDropped, ({ dropped }) => dropped);
  count(METRICS.executedRequests, ({ executedRequests }) => executedRequests);
  add(METRICS.requestSeconds, ({ labels, requestSeconds }) => requestSeconds.samples(METRICS.requestSeconds, labels));
  add(METRICS.phaseSeconds, function* ({ labels, phaseSeconds }) {
    for (const phase of PHASES) yield* phaseSeconds[phase].samples(METRICS.phaseSeconds, { ...labels, phase });
  });
  add(METRICS.batchRows, ({ labels, batchRows }) => batchRows.samples(METRICS.batchRows, labels));

  count(TRITON_METRICS.success, ({ success }) => success.count);
  add(TRITON_METRICS.failure, ({ labels, counts }) =>
    FAILURE_REASONS.map((reason) => ({ labels: { ...labels, reason }, value: counts.failuresFor(reason) })),
  );
  count(TRITON_METRICS.inferences, ({ inferences }) => inferences);
  count(TRITON_METRICS.executions, ({ executions }) => executions);
  count(TRITON_METRICS.requestDuration, ({ success }) => success.us);
  count(TRITON_METRICS.queueDuration, ({ queue }) => queue.us);
  count(TRITON_METRICS.cacheHits, ({ cacheHits }) => cacheHits.count);
  count(TRITON_METRICS.cacheMisses, ({ cacheMisses }) => cacheMisses.count);
  count(TRITON_METRICS.cacheHitDuration, ({ cacheHits }) => cacheHits.us);
  count(TRITON_METRICS.cacheMissDuration, ({ cacheMisses }) => cacheMisses.us);
  count(TRITON_METRICS.inputDuration, ({ input }) => input.us);
  count(TRITON_METRICS.inferDuration, ({ infer }) => infer.us);
  count(TRITON_METRICS.outputDuration, ({ output }) => output.us);
  add(TRITON_METRICS.loadDuration, ({ labels, loadSeconds }) =>
    loadSeconds === null ? [] : [{ labels, value: loadSeconds }],
  );
}
