import type { Pace, Sample } from './load.js';
import type { ServerTotals, Timings } from './target.js';

/** Order statistics of one quantity. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/** What the server told of its requests, in microseconds. */
export interface ServerPhases {
  /** Medians of what Sluice's answers tell, means of what KServe's ModelStatistics count. */
  readonly of: 'p50' | 'mean';
  readonly queue: number;
  readonly decode: number;
  /** KServe: compute_input. */
  readonly preprocess: number;
  readonly infer: number;
  /** KServe: compute_output. */
  readonly postprocess: number;
  readonly total: number;
}

/** How one load is put, whatever comes of it. */
export interface LoadShape {
  /** Of a curve; points of one label belong together. */
  readonly label: string;
  readonly protocol: 'sluice' | 'kserve';
  readonly model: string;
  readonly call: string;
  readonly pace: Pace;
  readonly connections: number;
  readonly streams: number;
  /** How tensors get to the server and back: in messages, or in system shared memory. */
  readonly shared_memory: 'none' | 'system';
}

/** Answers that came one after the other, and what the server counted meanwhile. */
export interface Window {
  readonly samples: readonly Sample[];
  readonly seconds: number;
  readonly totals: ServerTotals | null;
}

/** What one load came to: one line of `sluice bench`. */
export interface BenchPoint extends Omit<LoadShape, 'pace'> {
  /** Requests in flight; null: they were sent at a rate. */
  readonly concurrency: number | null;
  /** Requests due a second; null: sent when others were answered. */
  readonly rate: number | null;
  readonly arrivals: 'constant' | 'poisson' | null;
  /** Requests that ended, failed ones included. */
  readonly requests: number;
  readonly errors: number;
  /** Failed requests by status, or by the protocol's own name of the error. */
  readonly errors_by_status: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Of the requests without error. */
  readonly requests_per_second: number;
  /** Whether the windows agree: in pace and in latency, each with their mean within 10 %. */
  readonly stable: boolean;
  /** From when a request was due to its answer, of those without error. */
  readonly latency_us: Percentiles;
  /** By how much requests were sent later than due: what the client itself is to blame for. */
  readonly late_us: Percentiles;
  /** null: nothing was told. */
  readonly server_us: ServerPhases | null;
  /** Requests a batch; 0: nothing was told. */
  readonly mean_batch_size: number;
}

/** Windows may differ by this much from their mean to count as stable. */
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

/** Sums up the windows of a load. */
export function summarize({ pace, ...shape }: LoadShape, windows: readonly Window[]): BenchPoint {
  const samples = windows.flatMap((window) => window.samples);
  const good = samples.filter(({ failure }) => failure === null);
  const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
  const timings = good.flatMap((sample) => sample.timings ?? []);
  const totals = windows.flatMap((window) => window.totals ?? []);
  return {
    ...shape,
    concurrency: 'concurrency' in pace ? pace.concurrency : null,
    rate: 'rate' in pace ? pace.rate : null,
    arrivals: 'rate' in pace ? pace.arrivals : null,
    requests: samples.length,
    errors: samples.length - good.length,
    errors_by_status: countByStatus(samples),
    seconds: round(seconds, 3),
    requests_per_second: round(good.length / seconds, 2),
    stable: isStable(windows),
    latency_us: percentiles(good.map(latency)),
    late_us: percentiles(samples.map(({ dueAt, sentAt }) => (sentAt - dueAt) * 1000)),
    server_us: timings.length > 0 ? medianPhases(timings) : meanPhases(totals),
    mean_batch_size: round(timings.length > 0 ? meanBatchSize(timings) : batchSizeOf(totals), 2),
  };
}

/** Microseconds from when a request was due to its answer. */
export function latency({ dueAt, answeredAt }: Sample): number {
  return (answeredAt - dueAt) * 1000;
}

/** Whether a window answers at the pace of all, and as late. Fewer than three say nothing. */
export function isStable(windows: readonly Window[]): boolean {
  if (windows.length < 3) return false;
  const good = windows.map(({ samples }) => samples.filter(({ failure }) => failure === null));
  if (good.some((samples) => samples.length === 0)) return false;
  return (
    agree(windows.map(({ seconds }, index) => good[index]!.length / seconds)) &&
    agree(good.map((samples) => mean(samples.map(latency))))
  );
}

/** Answers that came in one go, cut into thirds by number. */
export function thirds(samples: readonly Sample[]): Window[] {
  const third = Math.ceil(samples.length / 3);
  const parts = [0, 1, 2]
    .map((part) => samples.slice(part * third, (part + 1) * third))
    .filter((part) => part.length > 0);
  let start = samples.reduce((first, { dueAt }) => Math.min(first, dueAt), Infinity);
  return parts.map((part) => {
    const end = part.at(-1)!.answeredAt;
    const window = { samples: part, seconds: (end - start) / 1000, totals: null };
    start = end;
    return window;
  });
}

function agree(values: readonly number[]): boolean {
  const reference = mean(values);
  return values.every((value) => Math.abs(value - reference) <= STABILITY * reference);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = ascending(values);
  const at = (fraction: number): number => Math.round(percentile(sorted, fraction));
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
}

function countByStatus(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { failure } of samples) if (failure !== null) counts[failure.status] = (counts[failure.status] ?? 0) + 1;
  return counts;
}

function medianPhases(timings: readonly Timings[]): ServerPhases {
  return {
    of: 'p50',
    queue: median(timings.map(({ queueUs }) => queueUs)),
    decode: median(timings.map(({ decodeUs }) => decodeUs)),
    preprocess: median(timings.map(({ preprocessUs }) => preprocessUs)),
    infer: median(timings.map(({ inferUs }) => inferUs)),
    postprocess: median(timings.map(({ postprocessUs }) => postprocessUs)),
    total: median(timings.map(({ totalUs }) => totalUs)),
  };
}

function meanPhases(totals: readonly ServerTotals[]): ServerPhases | null {
  const requests = sum(totals, 'requests');
  if (requests === 0) return null;
  const of = (phase: 'queue' | 'input' | 'infer' | 'output' | 'total'): number =>
    Math.round(sum(totals, phase) / requests);
  return {
    of: 'mean',
    queue: of('queue'),
    decode: 0,
    preprocess: of('input'),
    infer: of('infer'),
    postprocess: of('output'),
    total: of('total'),
  };
}

/** Batches are counted by their frames: one of a batch of 8 is an eighth of a batch. */
function meanBatchSize(timings: readonly Timings[]): number {
  const batched = timings.filter(({ batchSize }) => batchSize > 0);
  const batches = batched.reduce((total, { batchSize }) => total + 1 / batchSize, 0);
  return batches === 0 ? 0 : batched.length / batches;
}

function batchSizeOf(totals: readonly ServerTotals[]): number {
  const executions = sum(totals, 'executions');
  return executions === 0 ? 0 : sum(totals, 'inferences') / executions;
}

function sum(totals: readonly ServerTotals[], key: keyof ServerTotals): number {
  return totals.reduce((total, part) => total + part[key], 0);
}

function round(value: number, digits: number): number {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : 0;
}
