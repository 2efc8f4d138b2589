import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../clients/client-programs.js';

/** NVIDIA's perf_analyzer, unmodified, as Triton's client for Python brings it along. */
const PROGRAM = join('.venv-triton', 'bin', 'perf_analyzer');

/** One line of its report. Times in microseconds. */
export interface PerfPoint {
  /** Requests in flight, or due a second. */
  readonly load: number;
  readonly inferencesPerSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

export interface PerfRun {
  readonly code: number | null;
  /** All that it printed. */
  readonly output: string;
  readonly points: readonly PerfPoint[];
}

/** Runs it on a model of a server, over gRPC. */
export async function perfAnalyzer(address: string, model: string, ...flags: readonly string[]): Promise<PerfRun> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run make test or make bench-peers`);
  const directory = await mkdtemp(join(tmpdir(), 'sluice-perf-'));
  try {
    const report = join(directory, 'report.csv');
    const { code, lines, stderr } = await runToEnd(
      PROGRAM,
      ['-i', 'grpc', '-u', address, '-m', model, '-f', report, ...flags],
      { LD_LIBRARY_PATH: join('.venv-triton', 'native') },
    );
    const points = existsSync(report) ? parseReport(await readFile(report, 'utf8')) : [];
    return { code, output: [...lines, stderr].join('\n'), points };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function parseReport(text: string): PerfPoint[] {
  const [header = '', ...rows] = text.trim().split('\n');
  const names = header.split(',');
  const points = rows.map((row) => {
    const cells = row.split(',');
    const cell = (name: string): number => Number(cells[names.indexOf(name)]);
    return {
      load: Number(cells[0]),
      inferencesPerSecond: cell('Inferences/Second'),
      p50: cell('p50 latency'),
      p90: cell('p90 latency'),
      p95: cell('p95 latency'),
      p99: cell('p99 latency'),
    };
  });
  // It sorts them by throughput.
  return points.sort((a, b) => a.load - b.load);
}

/** Windows of some requests, however long they take, and no more than it needs to report anything, however they differ. */
export const SHORT = [
  '--measurement-mode',
  'count_windows',
  '--measurement-request-count',
  '20',
  '-p',
  '200',
  '-r',
  '3',
  '-s',
  '999',
];
