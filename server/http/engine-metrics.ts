import type { Counter, Gauge, Histogram } from 'prom-client';
import type { BuildOutcome, BuildStatistics, EngineStatistics, PlanLookup } from '../core/engine-statistics.js';

/** The series of plans for GPUs, as the registry has them. */
export interface EngineSeries {
  readonly lookups: Counter<'result'>;
  readonly builds: Counter<'result'>;
  readonly seconds: Histogram;
  readonly progress: Gauge<'model' | 'version' | 'device'>;
}

const LOOKUPS = Object.keys({ hit: true, miss: true, stale: true } satisfies Record<PlanLookup, true>);
const OUTCOMES = Object.keys({ built: true, failed: true, abandoned: true } satisfies Record<BuildOutcome, true>);

/** Counts lookups and builds of plans. */
export class EngineMetrics implements EngineStatistics {
  readonly #series: EngineSeries;

  constructor(series: EngineSeries) {
    this.#series = series;
    for (const result of LOOKUPS) series.lookups.inc({ result }, 0);
    for (const result of OUTCOMES) series.builds.inc({ result }, 0);
  }

  planLookedUp(result: PlanLookup): void {
    this.#series.lookups.inc({ result });
  }

  buildStarted(model: string, version: number, device: number): BuildStatistics {
    const { progress, builds, seconds } = this.#series;
    const labels = { model, version: String(version), device: String(device) };
    progress.set(labels, 0);
    return {
      progress: (fraction) => progress.set(labels, fraction),
      ended: (result, duration) => {
        progress.remove(labels);
        builds.inc({ result });
        if (result === 'built') seconds.observe(duration);
      },
    };
  }
}
