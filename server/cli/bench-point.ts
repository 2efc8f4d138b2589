import type { FrameInfo, FrameSample, Load } from './bench-load.js';

type Timings = NonNullable<FrameInfo['timings']>;

/** Order statistics of one quantity. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/** Medians of what the server told of its frames, in microseconds. */
export interface ServerPhases {
  readonly queue: number;
  readonly decode: number;
  readonly preprocess: number;
  readonly infer: number;
  readonly postprocess: number;
  readonly total: number;
}

/** What one load came to: one line of `sluice bench`. */
export interface BenchPoint {
  readonly model: string;
  readonly version: string;
  readonly call: Load['call'];
  /** Frames of a stream in flight. */
  readonly window: number;
  readonly streams: number;
  /** Frames that were answered, errors included. */
  readonly frames: number;
  readonly errors: number;
  /** From the first frame written to the last one answered. */
  readonly seconds: number;
  readonly frames_per_second: number;
  /** Whether each third of the answers came at the pace of the whole, and as late, within 10 %. */
  readonly stable: boolean;
  /** From write to answer as the client saw it, of the frames without error. */
  readonly latency_us: Percentiles;
  readonly server_p50_us: ServerPhases;
  /** Frames a batch. */
  readonly mean_batch_size: number;
}

/** Thirds of a measurement may differ by this much from the whole to count as stable. */
const STABILITY = 0.1;

/** The value below which `fraction` of `sorted` lies, by nearest rank; 0 where there is none. */
export function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0;
}

export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

export function median(values: readonly number[]): number {
  return percentile(ascending(values), 0.5);
}

/** Sums up the answers to a load. */
export function summarize(load: Load, samples: readonly FrameSample[]): BenchPoint {
  const good = samples.filter(({ frame }) => frame.error === undefined);
  const latencies = ascending(good.map(latency));
  const timings = good.flatMap(({ frame }) => frame.timings ?? []);
  const seconds = duration(samples);
  return {
    model: samples[0]?.frame.modelName ?? load.model ?? '',
    version: samples[0]?.frame.modelVersion ?? '',
    call: load.call,
    window: load.window,
    streams: load.streams,
    frames: samples.length,
    errors: samples.length - good.length,
    seconds: round(seconds, 3),
    frames_per_second: round(samples.length / seconds, 2),
    stable: isStable(samples),
    latency_us: {
      p50: Math.round(percentile(latencies, 0.5)),
      p90: Math.round(percentile(latencies, 0.9)),
      p95: Math.round(percentile(latencies, 0.95)),
      p99: Math.round(percentile(latencies, 0.99)),
    },
    server_p50_us: {
      queue: median(timings.map(({ queueUs }) => queueUs)),
      decode: median(timings.map(({ decodeUs }) => decodeUs)),
      preprocess: median(timings.map(({ preprocessUs }) => preprocessUs)),
      infer: median(timings.map(({ inferUs }) => inferUs)),
      postprocess: median(timings.map(({ postprocessUs }) => postprocessUs)),
      total: median(timings.map(({ totalUs }) => totalUs)),
    },
    mean_batch_size: round(meanBatchSize(timings), 2),
  };
}

/** Microseconds from write to answer. */
export function latency({ writtenAt, answeredAt }: FrameSample): number {
  return (answeredAt - writtenAt) * 1000;
}

/** Seconds from the first frame written to the last one answered. */
function duration(samples: readonly FrameSample[]): number {
  const start = Math.min(...extent(samples.map(({ writtenAt }) => writtenAt)));
  const end = Math.max(...extent(samples.map(({ answeredAt }) => answeredAt)));
  return (end - start) / 1000;
}

/** Least and greatest; spreading all of a long list would overflow the stack. */
function extent(values: readonly number[]): [least: number, greatest: number] {
  return values.reduce(
    ([least, greatest], value) => [Math.min(least, value), Math.max(greatest, value)],
    [Infinity, -Infinity],
  );
}

/** Batches are counted by their frames: one of a batch of 8 is an eighth of a batch. */
function meanBatchSize(timings: readonly Timings[]): number {
  const batched = timings.filter(({ batchSize }) => batchSize > 0);
  const batches = batched.reduce((sum, { batchSize }) => sum + 1 / batchSize, 0);
  return batches === 0 ? 0 : batched.length / batches;
}

function isStable(samples: readonly FrameSample[]): boolean {
  const third = Math.floor(samples.length / 3);
  if (third < 3) return false;
  const whole = pace(samples);
  return [0, 1, 2].every((part) => {
    const { rate, latencyUs } = pace(samples.slice(part * third, (part + 1) * third));
    return near(rate, whole.rate) && near(latencyUs, whole.latencyUs);
  });
}

function near(value: number, reference: number): boolean {
  return Math.abs(value - reference) <= STABILITY * reference;
}

function pace(samples: readonly FrameSample[]): { rate: number; latencyUs: number } {
  return { rate: rate(samples.map(({ answeredAt }) => answeredAt)), latencyUs: median(samples.map(latency)) };
}

/**
 * Answers a second: the slope of the line that fits best to the count of answers over time. Answers come in bursts of a
 * batch; counting them between two moments would be wrong by up to a batch.
 */
export function rate(answeredAt: readonly number[]): number {
  const meanAt = answeredAt.reduce((sum, at) => sum + at, 0) / answeredAt.length;
  const meanIndex = (answeredAt.length - 1) / 2;
  let covariance = 0;
  let variance = 0;
  answeredAt.forEach((at, index) => {
    covariance += (at - meanAt) * (index - meanIndex);
    variance += (at - meanAt) ** 2;
  });
  return variance === 0 ? 0 : (covariance / variance) * 1000;
}

function round(value: number, digits: number): number {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : 0;
}
