import { perfAnalyzer } from '../support/perf-analyzer.js';
import type { TensorModel } from './tensor-models.js';
import { treeSeconds } from './process-tree.js';
import { machineCpu } from './usage.js';

/** A server of KServe's protocol that serves the tensor models. */
export interface TensorServer {
  /** In the report. */
  readonly name: string;
  /** `host:port`. */
  readonly grpcAddress: string;
  readonly pid: number;
}

/** What a run of perf_analyzer against a server came to. */
export interface TensorRun {
  readonly requestsPerSecond: number;
  /** Milliseconds, as the client saw it. */
  readonly p50: number;
  /** CPU time of the server a request, in microseconds; what the start of the client costs it is in it. */
  readonly serverCpu: number;
  /** Cores that were in use, for whatever. */
  readonly busyCores: number;
}

/** perf_analyzer wants windows that agree; this many are measured however much they differ, as repetitions tell more. */
const WINDOWS = 3;

/** Of one window: a request counts where all of it lies in one. */
const LEAST_WINDOW_MS = 1000;

/** Keeps `concurrency` unary requests in flight for some seconds, by a client on the same cores. Throws when one fails. */
export async function runTensors(
  server: TensorServer,
  model: TensorModel['name'],
  concurrency: number,
  seconds: number,
): Promise<TensorRun> {
  const window = [
    '-p',
    String(Math.max(LEAST_WINDOW_MS, Math.round((seconds * 1000) / WINDOWS))),
    '-r',
    String(WINDOWS),
    '-s',
    '999',
  ];
  const [cpu, machine, start] = [await treeSeconds(server.pid), machineCpu(), performance.now()];
  const { code, output, points } = await perfAnalyzer(
    ...([server.grpcAddress, model, '--concurrency-range', String(concurrency), ...window] as const),
  );
  const elapsed = (performance.now() - start) / 1000;
  const spent = (await treeSeconds(server.pid)) - cpu;
  const [point] = points;
  if (code !== 0 || point === undefined)
    throw new Error(`perf_analyzer on ${server.name} ended with ${code}:\n${output}`);
  return {
    requestsPerSecond: point.inferencesPerSecond,
    p50: point.p50 / 1000,
    serverCpu: (spent / requestCount(output)) * 1e6,
    busyCores: (machineCpu() - machine) / elapsed,
  };
}

function requestCount(output: string): number {
  const found = /Request count: (\d+)/.exec(output);
  if (found === null) throw new Error(`perf_analyzer tells no count of requests:\n${output}`);
  return Number(found[1]);
}
