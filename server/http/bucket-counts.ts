import type { MetricDefinition } from './metric-definitions.js';
import type { Sample } from './read-metrics.js';

/** The values of one series of a histogram, counted by bucket. Adding one costs a few comparisons. */
export class BucketCounts {
  readonly #bounds: readonly number[];
  /** One a bound, and one for what is over the last; not cumulative. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` are upper ones, ascending, and belong to their buckets. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** The series as Prometheus has it: cumulative buckets, sum and count. */
  *samples({ name }: MetricDefinition, labels: Sample['labels']): Generator<Sample> {
    let count = 0;
    for (const [bucket, bound] of this.#bounds.entries()) {
      count += this.#counts[bucket]!;
      yield { metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: count };
    }
    count += this.#counts.at(-1)!;
    yield { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count };
    yield { metricName: `${name}_sum`, labels, value: this.#sum };
    yield { metricName: `${name}_count`, labels, value: count };
  }
}
