import { linearAxis, logarithmicAxis } from './axis.js';
import { drawChart, type Series } from './chart.js';
import type { BenchPoint } from './point.js';

/** Told apart by people who see few colours, too. */
const COLORS = ['#0969da', '#d4582a', '#1a7f5a', '#8250df', '#9a6700', '#57606a'];

/** From this ratio of the slowest to the fastest on, latencies are drawn on a logarithmic axis. */
const WIDE = 20;

/** Latency over throughput, as an SVG file: for each label the median, and the 99th percentile dashed. */
export function drawCurves(points: readonly BenchPoint[]): string {
  const drawn = points.filter(({ requests_per_second: pace, latency_us: { p50 } }) => pace > 0 && p50 > 0);
  const labels = [...new Set(drawn.map(({ label }) => label))];
  const latencies = drawn.flatMap(({ latency_us: { p50, p99 } }) => [p50 / 1000, p99 / 1000]);
  const [least, most] = [Math.min(1, ...latencies), Math.max(0, ...latencies)];
  return drawChart({
    title: titleOf(points),
    xTitle: 'answers a second',
    yTitle: 'latency in ms: p50, dashed p99',
    x: linearAxis(drawn.reduce((fastest, { requests_per_second: pace }) => Math.max(fastest, pace), 1)),
    y: most > WIDE * least ? logarithmicAxis(least, most) : linearAxis(Math.max(most, 0.001)),
    series: labels.flatMap((label, index) =>
      curvesOf(
        drawn.filter((point) => point.label === label),
        COLORS[index % COLORS.length]!,
      ),
    ),
  });
}

function curvesOf(points: readonly BenchPoint[], color: string): Series[] {
  const curve = (percentile: 'p50' | 'p99') =>
    points.map(({ requests_per_second: x, latency_us, concurrency, errors }) => ({
      x,
      y: latency_us[percentile] / 1000,
      note: percentile === 'p99' ? '' : `${concurrency ?? ''}${errors > 0 ? '!' : ''}`,
    }));
  return [
    { label: points[0]!.label, color, dashed: false, points: curve('p50') },
    { label: null, color, dashed: true, points: curve('p99') },
  ];
}

/** What all curves have in common, and what the small signs mean. */
function titleOf(points: readonly BenchPoint[]): string {
  const models = [...new Set(points.map(({ model }) => model))].join(', ');
  const counts = points.some(({ concurrency }) => concurrency !== null) ? '; numbers: requests in flight' : '';
  const errors = points.some((point) => point.errors > 0) ? '; !: with errors' : '';
  return `${models}: latency over throughput${counts}${errors}`;
}
