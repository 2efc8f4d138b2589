import type { BenchPoint } from './point.js';

const COLUMNS: readonly (readonly [title: string, value: (point: BenchPoint) => string])[] = [
  ['model', ({ model }) => model],
  ['in flight', ({ concurrency }) => concurrency?.toString() ?? '-'],
  ['due/s', ({ rate }) => (rate === null ? '-' : String(Number(rate.toFixed(2))))],
  ['requests', ({ requests }) => String(requests)],
  ['errors', ({ errors }) => String(errors)],
  ['answers/s', (point) => `${point.requests_per_second.toFixed(1)}${point.stable ? '' : '*'}`],
  ['p50 ms', ({ latency_us: { p50 } }) => milliseconds(p50)],
  ['p90', ({ latency_us: { p90 } }) => milliseconds(p90)],
  ['p95', ({ latency_us: { p95 } }) => milliseconds(p95)],
  ['p99', ({ latency_us: { p99 } }) => milliseconds(p99)],
  ['queue', ({ server_us }) => milliseconds(server_us?.queue)],
  ['decode', ({ server_us }) => milliseconds(server_us?.decode)],
  ['pre', ({ server_us }) => milliseconds(server_us?.preprocess)],
  ['infer', ({ server_us }) => milliseconds(server_us?.infer)],
  ['post', ({ server_us }) => milliseconds(server_us?.postprocess)],
  ['total', ({ server_us }) => milliseconds(server_us?.total)],
  ['batch', (point) => point.mean_batch_size.toFixed(1)],
];

/** The points as a table for people, one line each; lengths of time in milliseconds. Below it, what to know of them. */
export function formatTable(points: readonly BenchPoint[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...points.map((point) => COLUMNS.map(([, value]) => value(point)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  if (points.some(({ stable }) => !stable)) lines.push('* not stable: windows of it differ by more than 10 %');
  for (const point of points.filter(({ errors }) => errors > 0)) {
    const counts = Object.entries(point.errors_by_status).map(([status, count]) => `${count} ${status}`);
    lines.push(`! errors ${paceOf(point)}: ${counts.join(', ')}`);
  }
  return lines.join('\n');
}

/** `with 8 in flight`, `at 100/s`. */
export function paceOf({ concurrency, rate }: Pick<BenchPoint, 'concurrency' | 'rate'>): string {
  return concurrency === null ? `at ${rate}/s` : `with ${concurrency} in flight`;
}

function milliseconds(microseconds: number | undefined): string {
  return microseconds === undefined ? '-' : (microseconds / 1000).toFixed(2);
}
