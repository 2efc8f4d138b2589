import type { BenchPoint } from './bench-point.js';

const COLUMNS: readonly (readonly [title: string, value: (point: BenchPoint) => string])[] = [
  ['model', ({ model }) => model],
  ['window', ({ window }) => String(window)],
  ['streams', ({ streams }) => String(streams)],
  ['frames', ({ frames }) => String(frames)],
  ['errors', ({ errors }) => String(errors)],
  ['frames/s', (point) => `${point.frames_per_second.toFixed(1)}${point.stable ? '' : '*'}`],
  ['p50 ms', ({ latency_us: { p50 } }) => milliseconds(p50)],
  ['p90', ({ latency_us: { p90 } }) => milliseconds(p90)],
  ['p95', ({ latency_us: { p95 } }) => milliseconds(p95)],
  ['p99', ({ latency_us: { p99 } }) => milliseconds(p99)],
  ['queue', ({ server_p50_us: { queue } }) => milliseconds(queue)],
  ['decode', ({ server_p50_us: { decode } }) => milliseconds(decode)],
  ['pre', ({ server_p50_us: { preprocess } }) => milliseconds(preprocess)],
  ['infer', ({ server_p50_us: { infer } }) => milliseconds(infer)],
  ['post', ({ server_p50_us: { postprocess } }) => milliseconds(postprocess)],
  ['total', ({ server_p50_us: { total } }) => milliseconds(total)],
  ['batch', (point) => point.mean_batch_size.toFixed(1)],
];

/** The points as a table for people, one line each; lengths of time in milliseconds. */
export function formatTable(points: readonly BenchPoint[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...points.map((point) => COLUMNS.map(([, value]) => value(point)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  if (points.some(({ stable }) => !stable)) lines.push('* not stable: thirds of it differ by more than 10 %');
  return lines.join('\n');
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(2);
}
