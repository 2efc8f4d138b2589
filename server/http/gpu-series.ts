import { Counter, Gauge, type Registry } from 'prom-client';
import { errorMessage } from '../core/errors.js';
import type { GpuTelemetry } from '../core/gpu-telemetry.js';
import { GPU_METRICS, type MetricDefinition } from './metric-definitions.js';

/** Where the readings come from. */
export interface GpuSource {
  readonly read: () => readonly GpuTelemetry[];
  /** Told once, why there are no readings any more. */
  readonly warn: (message: string) => void;
  /** Milliseconds since an arbitrary start. */
  readonly now: () => number;
}

/** Readings within this time are the same: several scrapers ask the driver no more often than one. */
const LEAST_MILLISECONDS = 1000;

type GpuLabel = 'gpu' | 'uuid' | 'name';

/** Brings a series to a value. */
type Setter = (labels: Record<GpuLabel, string>, value: number) => void;

/** The series of the GPUs, as the driver tells of them. The first error ends them: a driver that fails is left alone. */
export class GpuSeries {
  readonly #source: GpuSource;
  readonly #setters: readonly (readonly [keyof GpuTelemetry, Setter])[];
  readonly #metrics: (Gauge<GpuLabel> | Counter<GpuLabel>)[] = [];
  #readAt = -Infinity;
  #failed = false;

  constructor(registry: Registry, source: GpuSource) {
    this.#source = source;
    const gauge = (definition: MetricDefinition): Setter => {
      const metric = new Gauge<GpuLabel>(configuration(definition, registry));
      this.#metrics.push(metric);
      return (labels, value) => metric.set(labels, value);
    };
    const counter = (definition: MetricDefinition): Setter => {
      const metric = new Counter<GpuLabel>(configuration(definition, registry));
      this.#metrics.push(metric);
      // It has been reset: the driver does the counting.
      return (labels, value) => metric.inc(labels, value);
    };
    this.#setters = [
      ['utilization', gauge(GPU_METRICS.utilization)],
      ['memoryTotalBytes', gauge(GPU_METRICS.memoryTotal)],
      ['memoryUsedBytes', gauge(GPU_METRICS.memoryUsed)],
      ['powerWatts', gauge(GPU_METRICS.power)],
      ['powerLimitWatts', gauge(GPU_METRICS.powerLimit)],
      ['energyJoules', counter(GPU_METRICS.energy)],
      ['temperatureCelsius', gauge(GPU_METRICS.temperature)],
      ['jpegUtilization', gauge(GPU_METRICS.jpegUtilization)],
    ];
  }

  /** Brings the series up to date; to be called once a scrape. */
  update(): void {
    if (this.#failed) return;
    const now = this.#source.now();
    if (now - this.#readAt < LEAST_MILLISECONDS) return;
    this.#readAt = now;
    for (const metric of this.#metrics) metric.reset();
    try {
      for (const reading of this.#source.read()) this.#set(reading);
    } catch (cause) {
      this.#failed = true;
      for (const metric of this.#metrics) metric.reset();
      this.#source.warn(`the GPUs are not watched any more: ${errorMessage(cause)}`);
    }
  }

  #set(reading: GpuTelemetry): void {
    const labels = { gpu: String(reading.index), uuid: reading.uuid, name: reading.name };
    for (const [key, set] of this.#setters) {
      const value = Number(reading[key]);
      if (!Number.isNaN(value)) set(labels, value);
    }
  }
}

function configuration({ name, help, labels, merge }: MetricDefinition, registry: Registry) {
  return { name, help, labelNames: labels as GpuLabel[], aggregator: merge ?? ('sum' as const), registers: [registry] };
}
