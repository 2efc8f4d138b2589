import type { ServerStatus, VersionFigures } from '../server-status.js';

/** How long samples are kept. */
export const KEPT_SECONDS = 300;

/** The figures of every version at one moment. */
interface Sample {
  /** Seconds of a clock that does not go back. */
  readonly at: number;
  readonly bounds: readonly number[];
  readonly figures: ReadonlyMap<string, VersionFigures>;
}

/** How the load was between two samples. Lengths of time are seconds; NaN where nothing was answered. */
export interface LoadPoint {
  readonly at: number;
  /** Requests that were answered with results, a second. */
  readonly answered: number;
  readonly failed: number;
  readonly median: number;
  readonly p99: number;
  /** At the end of the interval. */
  readonly queued: number;
  readonly busy: number;
  readonly instances: number;
}

export function versionKey(model: string, version: number): string {
  return `${model}/${version}`;
}

/** What the status said over the last minutes, and the rates that follow from it. */
export class StatusHistory {
  readonly #samples: Sample[] = [];

  add(at: number, { models, duration_bounds: bounds }: ServerStatus): void {
    const figures = new Map(
      models.flatMap(({ name, versions }) => versions.map((each) => [versionKey(name, each.version), each] as const)),
    );
    this.#samples.push({ at, bounds, figures });
    while (this.#samples[0]!.at < at - KEPT_SECONDS) this.#samples.shift();
  }

  /** One point between each two samples, of all versions whose key `counts`. */
  points(counts: (key: string) => boolean): LoadPoint[] {
    return this.#samples.slice(1).map((sample, before) => pointBetween(this.#samples[before]!, sample, counts));
  }

  /** Over the last `seconds`, or as long as there is; null: there are no two samples yet. */
  recent(seconds: number, counts: (key: string) => boolean): LoadPoint | null {
    const last = this.#samples.at(-1);
    if (last === undefined) return null;
    const first = this.#samples.find(({ at }) => at >= last.at - seconds);
    return first === undefined || first === last ? null : pointBetween(first, last, counts);
  }
}

function pointBetween(first: Sample, last: Sample, counts: (key: string) => boolean): LoadPoint {
  const seconds = last.at - first.at;
  const durations = Array.from({ length: last.bounds.length + 1 }, () => 0);
  const sums = { failed: 0, queued: 0, busy: 0, instances: 0 };
  for (const [key, now] of last.figures) {
    if (!counts(key)) continue;
    const before = first.figures.get(key);
    now.durations.forEach((count, bucket) => {
      durations[bucket]! += growth(count, before?.durations[bucket]);
    });
    sums.failed += growth(now.failures, before?.failures);
    sums.queued += now.queue.requests;
    sums.busy += now.instances.busy;
    sums.instances += now.instances.busy + now.instances.idle;
  }
  return {
    at: last.at,
    ...sums,
    answered: durations.at(-1)! / seconds,
    failed: sums.failed / seconds,
    median: quantile(0.5, durations, last.bounds),
    p99: quantile(0.99, durations, last.bounds),
  };
}

/** A version that was reloaded counts from 0 again. */
function growth(now: number, before = 0): number {
  return now >= before ? now - before : now;
}

/**
 * The length of time within which `share` of the requests were answered. `within` has the requests within each of
 * `bounds` and, at the end, all of them. Between two bounds they count as spread evenly, over the last bound as at it; NaN
 * without requests.
 */
export function quantile(share: number, within: readonly number[], bounds: readonly number[]): number {
  const all = within.at(-1) ?? 0;
  if (all === 0) return NaN;
  const wanted = share * all;
  const bucket = within.findIndex((count) => count >= wanted);
  const upper = bounds[bucket];
  if (upper === undefined) return bounds.at(-1)!;
  const lower = bounds[bucket - 1] ?? 0;
  const below = within[bucket - 1] ?? 0;
  return lower + ((upper - lower) * (wanted - below)) / (within[bucket]! - below);
}
