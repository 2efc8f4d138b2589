import { GPU_METRICS, METRICS } from './metric-definitions.js';
import type { MetricSnapshot } from './metrics.js';
import type { GpuFigures, VersionFigures } from './server-status.js';

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  /** Of a histogram: which of its series. */
  readonly metricName?: string;
}

const OF_GPUS = {
  utilization: GPU_METRICS.utilization,
  memory_used_bytes: GPU_METRICS.memoryUsed,
  memory_total_bytes: GPU_METRICS.memoryTotal,
  power_watts: GPU_METRICS.power,
  temperature_celsius: GPU_METRICS.temperature,
} satisfies Record<Exclude<keyof GpuFigures, 'gpu' | 'name'>, unknown>;

/** A snapshot of metrics as `/v1/status` tells of it. */
export class StatusFigures {
  readonly #values: ReadonlyMap<string, readonly Value[]>;

  constructor(snapshot: MetricSnapshot) {
    this.#values = new Map(snapshot.map(({ name, values }) => [name, values as unknown as readonly Value[]]));
  }

  get connections(): number {
    return sum(this.#of(METRICS.connections));
  }

  get gpus(): GpuFigures[] {
    const gpus = new Map<string, GpuFigures>();
    for (const [figure, definition] of Object.entries(OF_GPUS)) {
      for (const { labels, value } of this.#of(definition)) {
        const gpu = String(labels['gpu']);
        gpus.set(gpu, { gpu, name: String(labels['name']), ...gpus.get(gpu), [figure]: value });
      }
    }
    return [...gpus.values()].sort((a, b) => Number(a.gpu) - Number(b.gpu));
  }

  version(model: string, version: number): VersionFigures {
    const of = (definition: { readonly name: string }): Value[] =>
      this.#of(definition).filter(
        ({ labels }) => labels['model'] === model && String(labels['version']) === String(version),
      );
    const instances = (state: string): number =>
      sum(of(METRICS.instances).filter(({ labels }) => labels['state'] === state));
    return {
      requests: sum(of(METRICS.requests)),
      failures: sum(of(METRICS.failures)),
      dropped: sum(of(METRICS.framesDropped)),
      instances: { idle: instances('idle'), busy: instances('busy') },
      queue: { requests: sum(of(METRICS.queuedRequests)), bytes: sum(of(METRICS.queuedBytes)) },
      durations: of(METRICS.requestSeconds)
        .filter(({ metricName }) => metricName === `${METRICS.requestSeconds.name}_bucket`)
        .map(({ labels, value }) => [labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value] as const)
        .sort(([a], [b]) => a - b)
        .map(([, value]) => value),
    };
  }

  #of({ name }: { readonly name: string }): readonly Value[] {
    return this.#values.get(name) ?? [];
  }
}

function sum(values: readonly Value[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}
