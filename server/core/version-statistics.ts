import type { BatchSizeCounts, DurationSum } from './inference-counts.js';
import type { Model } from './model.js';

/** The sums that are told of every version. */
const DURATIONS = [
  'success',
  'fail',
  'queue',
  'input',
  'infer',
  'output',
  'cacheHits',
  'cacheMisses',
] as const satisfies readonly (keyof Model['counts'])[];

/** What a loaded version has done, as InferenceCounts has it; survives JSON. */
export interface VersionStatistics extends Readonly<Record<(typeof DURATIONS)[number], DurationSum>> {
  readonly name: string;
  readonly version: number;
  /** Milliseconds since 1970 at which the last batch had been executed; 0: none was. */
  readonly lastInference: number;
  readonly inferences: number;
  readonly executions: number;
  /** Ascending by size. */
  readonly batches: readonly BatchSizeCounts[];
}

/** Whose statistics are asked for. */
export interface AskedStatistics {
  /** Empty: of all models. */
  readonly name: string;
  /** Null: of all versions that serve. */
  readonly version: number | null;
}

/** `now`: of the clock, and in milliseconds since 1970. */
export function versionStatistics(
  models: readonly Pick<Model, 'name' | 'version' | 'counts'>[],
  asked: AskedStatistics,
  now: { readonly clock: number; readonly epoch: number },
): VersionStatistics[] {
  return models
    .filter(({ name }) => asked.name === '' || name === asked.name)
    .filter(({ version }) => asked.version === null || version === asked.version)
    .map(({ name, version, counts }) => {
      const { lastAt, inferences, executions } = counts;
      const lastInference = lastAt === null ? 0 : now.epoch - (now.clock - lastAt) / 1000;
      const sums = durations((which) => counts[which]);
      return { ...sums, name, version, lastInference, inferences, executions, batches: counts.batches };
    });
}

/** What several processes have done, together. */
export function sumStatistics(parts: readonly VersionStatistics[]): VersionStatistics[] {
  const sums = new Map<string, VersionStatistics>();
  for (const part of parts) {
    const key = `${part.name}/${part.version}`;
    const before = sums.get(key);
    sums.set(key, before === undefined ? part : addVersions(before, part));
  }
  return [...sums.values()];
}

function addVersions(one: VersionStatistics, other: VersionStatistics): VersionStatistics {
  const batches = new Map(one.batches.map((batch) => [batch.size, batch]));
  for (const batch of other.batches) {
    const before = batches.get(batch.size);
    batches.set(batch.size, before === undefined ? batch : addBatches(before, batch));
  }
  return {
    ...durations((which) => add(one[which], other[which])),
    name: one.name,
    version: one.version,
    lastInference: Math.max(one.lastInference, other.lastInference),
    inferences: one.inferences + other.inferences,
    executions: one.executions + other.executions,
    batches: [...batches.values()].sort((a, b) => a.size - b.size),
  };
}

function addBatches(one: BatchSizeCounts, other: BatchSizeCounts): BatchSizeCounts {
  return {
    size: one.size,
    input: add(one.input, other.input),
    infer: add(one.infer, other.infer),
    output: add(one.output, other.output),
  };
}

function add(one: DurationSum, other: DurationSum): DurationSum {
  return { count: one.count + other.count, us: one.us + other.us };
}

function durations(
  sum: (which: (typeof DURATIONS)[number]) => DurationSum,
): Record<(typeof DURATIONS)[number], DurationSum> {
  return Object.fromEntries(DURATIONS.map((which) => [which, sum(which)])) as ReturnType<typeof durations>;
}
