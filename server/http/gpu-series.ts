import type { Registry } from 'prom-client';
import { errorMessage } from '../core/errors.js';
import type { GpuTelemetry } from '../core/gpu-telemetry.js';
import { GPU_METRICS, type MetricDefinition } from './metric-definitions.js';
import { registerReadMetric } from './read-metrics.js';
import { TRITON_GPU_METRICS } from './triton-metric-definitions.js';

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

/** The series of the GPUs, as the driver tells of them. The first error ends them: a driver that fails is left alone. */
export class GpuSeries {
  readonly #source: GpuSource;
  #readings: readonly GpuTelemetry[] = [];
  /** Joules of each GPU, by its uuid, when it was first read. */
  readonly #firstEnergy = new Map<string, number>();
  #readAt = -Infinity;
  #failed = false;

  constructor(registry: Registry, source: GpuSource) {
    this.#source = source;
    const add = (definition: MetricDefinition, labels: Labels, value: (gpu: GpuTelemetry) => number): void =>
      registerReadMetric(registry, definition, () =>
        this.#readings
          .map((reading) => ({ labels: labels(reading), value: value(reading) }))
          .filter((sample) => !Number.isNaN(sample.value)),
      );
    add(GPU_METRICS.utilization, sluiceLabels, (gpu) => gpu.utilization);
    add(GPU_METRICS.memoryTotal, sluiceLabels, (gpu) => gpu.memoryTotalBytes);
    add(GPU_METRICS.memoryUsed, sluiceLabels, (gpu) => gpu.memoryUsedBytes);
    add(GPU_METRICS.power, sluiceLabels, (gpu) => gpu.powerWatts);
    add(GPU_METRICS.powerLimit, sluiceLabels, (gpu) => gpu.powerLimitWatts);
    add(GPU_METRICS.energy, sluiceLabels, (gpu) => gpu.energyJoules);
    add(GPU_METRICS.temperature, sluiceLabels, (gpu) => gpu.temperatureCelsius);
    add(GPU_METRICS.jpegUtilization, sluiceLabels, (gpu) => gpu.jpegUtilization);
    add(TRITON_GPU_METRICS.utilization, tritonLabels, (gpu) => gpu.utilization);
    add(TRITON_GPU_METRICS.memoryTotal, tritonLabels, (gpu) => gpu.memoryTotalBytes);
    add(TRITON_GPU_METRICS.memoryUsed, tritonLabels, (gpu) => gpu.memoryUsedBytes);
    add(TRITON_GPU_METRICS.power, tritonLabels, (gpu) => gpu.powerWatts);
    add(TRITON_GPU_METRICS.powerLimit, tritonLabels, (gpu) => gpu.powerLimitWatts);
    add(TRITON_GPU_METRICS.energy, tritonLabels, (gpu) => gpu.energyJoules - this.#firstEnergy.get(gpu.uuid)!);
  }

  /** Brings the series up to date; to be called once a scrape. */
  update(): void {
    if (this.#failed) return;
    const now = this.#source.now();
    if (now - this.#readAt < LEAST_MILLISECONDS) return;
    this.#readAt = now;
    try {
      this.#readings = this.#source.read();
    } catch (cause) {
      this.#failed = true;
      this.#readings = [];
      this.#source.warn(`the GPUs are not watched any more: ${errorMessage(cause)}`);
    }
    for (const { uuid, energyJoules } of this.#readings) {
      if (!this.#firstEnergy.has(uuid)) this.#firstEnergy.set(uuid, energyJoules);
    }
  }
}

type Labels = (gpu: GpuTelemetry) => Readonly<Record<string, string>>;

function sluiceLabels({ index, uuid, name }: GpuTelemetry): ReturnType<Labels> {
  return { gpu: String(index), uuid, name };
}

function tritonLabels({ uuid }: GpuTelemetry): ReturnType<Labels> {
  return { gpu_uuid: uuid };
}
