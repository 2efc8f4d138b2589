import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamicBatcher } from '../../server/core/dynamic-batcher.js';
import { systemClock } from '../../server/core/clock.js';
import type { BatchResult, InferenceRequest, RequestTimings } from '../../server/core/inference.js';
import { NO_STATISTICS, type ModelStatistics } from '../../server/core/statistics.js';
import { Metrics } from '../../server/http/metrics.js';
import { goodResult, PHASES } from '../support/fake-executor.js';
import { makeRequest } from '../support/requests.js';
import { TestRepository } from '../support/test-repository.js';
import { median, ratios } from './figures.js';
import { IDENTITY_MODEL, ObservedServer, type ObservedRun, type Recorders } from './metrics-server.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';
import { ownCpu } from './usage.js';

/** Share of the throughput that is left with statistics. */
const AIM = { is: 'at least', value: 0.99 } as const;

/** Pairs of short measurements that make one run: what else the machine does changes from one second to the next. */
const PAIRS = 10;

/** Requests of one measurement of the batcher: it has no clock of its own to stop at. */
const BATCHER_REQUESTS = 20_000;
const BATCHER_BATCH = 4;

/** Versions that a scrape tells of. */
const SCRAPED_VERSIONS = [1, 20] as const;

/** What statistics, scrapes and traces cost where there is nothing else to do. */
export async function metrics(report: Report, settings: Settings): Promise<void> {
  const added = await batcher(report, settings);
  await scrapes(report, settings);
  const spent = await served(report, settings);
  // Of frames it takes a difference too small to be seen among what else happens: it is put together from its parts.
  const kept = added.map((ns, index) => spent[index]! / (spent[index]! + ns / 1000));
  report.add({ bench: 'metrics', figure: 'throughput left with statistics', unit: 'ratio', runs: kept, aim: AIM });
}

/** The batcher alone, over an executor that answers at once. Nanoseconds that statistics add to a request. */
async function batcher(report: Report, settings: Settings): Promise<number[]> {
  const recorders: Record<string, ModelStatistics> = {
    off: NO_STATISTICS.model,
    on: new Metrics(() => []).forModel(IDENTITY_MODEL, 1),
  };
  for (const statistics of Object.values(recorders)) await batcherRun(statistics);
  const added: number[] = [];
  const alone: number[] = [];
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    report.progress(`metrics of the batcher: ${repetition + 1} of ${settings.repetitions}`);
    const slices: Record<string, number[]> = { off: [], on: [] };
    for (let pair = 0; pair < PAIRS; pair++) {
      for (const name of turns(Object.keys(recorders), pair)) slices[name]!.push(await batcherRun(recorders[name]!));
    }
    alone.push(median(slices['off']!));
    added.push(median(slices['on']!.map((value, index) => (value - slices['off']![index]!) * 1000)));
  }
  report.add({ bench: 'metrics', figure: 'batcher CPU without statistics', unit: 'us/request', runs: alone });
  report.add({ bench: 'metrics', figure: 'batcher CPU, what they add', unit: 'ns/request', runs: added });
  return added;
}

/** Microseconds of CPU a request. */
async function batcherRun(statistics: ModelStatistics): Promise<number> {
  let idle = 1;
  const executor = {
    instances: 1,
    get idle() {
      return idle;
    },
    devices: [],
    layout: null,
    signature: null,
    onIdle: () => {},
    execute: async (batch: readonly InferenceRequest[]): Promise<BatchResult> => {
      idle -= 1;
      await Promise.resolve();
      idle += 1;
      return { phases: PHASES, results: batch.map(() => RESULT) };
    },
    async [Symbol.asyncDispose]() {},
  };
  const policy = {
    maxBatchSize: BATCHER_BATCH,
    preferredBatchSizes: [],
    maxQueueDelay: 0,
    preserveOrdering: false,
    priorityLevels: 1,
    queueLimits: { requests: 0, bytes: 0 },
  };
  const own = new DynamicBatcher(policy, executor, systemClock, statistics);
  const request = makeRequest(systemClock.now());
  const start = ownCpu();
  for (let sent = 0; sent < BATCHER_REQUESTS; sent += 2 * BATCHER_BATCH) {
    const tickets = Array.from({ length: 2 * BATCHER_BATCH }, () => own.enqueue(request));
    await Promise.all(tickets.map(({ response }) => response));
  }
  return ((ownCpu() - start) * 1e6) / BATCHER_REQUESTS;
}

const RESULT = goodResult();

/** One answer of `/metrics`. */
async function scrapes(report: Report, settings: Settings): Promise<void> {
  const timings: RequestTimings = { ...PHASES, queue: 10, total: 200, batchSize: 1 };
  for (const versions of SCRAPED_VERSIONS) {
    const own = new Metrics(() => []);
    for (let version = 1; version <= versions; version++) own.forModel(IDENTITY_MODEL, version).succeeded(timings, 1);
    const runs: number[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      const [start, end] = [performance.now(), performance.now() + settings.operatorMilliseconds];
      let count = 0;
      for (; performance.now() < end; count++) await own.text();
      runs.push((performance.now() - start) / count);
    }
    report.add({ bench: 'metrics', figure: 'scrape', at: { versions }, unit: 'ms', runs });
  }
}

/**
 * Frames through the gRPC door, servers with different recorders taking turns. Microseconds of CPU that a frame takes where
 * nothing is recorded.
 */
async function served(report: Report, settings: Settings): Promise<number[]> {
  await using repository = await TestRepository.create();
  const config = { task: 'centerface', input: { width: 32, height: 32 }, max_batch_size: 16 };
  await repository.addModel(IDENTITY_MODEL, config, new Uint8Array(1));
  const collector = createServer((request, response) => request.resume().on('end', () => response.end()));
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
  const traced = (ratio: number): Recorders => ({ statistics: true, traces: { endpoint, ratio } });
  const variants: Record<string, Recorders> = {
    'nothing recorded': { statistics: false, traces: null },
    statistics: { statistics: true, traces: null },
    'and traces, 0': traced(0),
    'and traces, 0.01': traced(0.01),
    'and traces, 1': traced(1),
  };
  const names = Object.keys(variants);
  const [nothing, statistics] = names as [string, string];
  const repetitions: Record<string, ObservedRun[]>[] = [];
  const servers: Record<string, ObservedServer> = {};
  try {
    for (const name of names) {
      servers[name] = await ObservedServer.start(repository.directory, variants[name]!);
      await servers[name].run(settings.seconds);
    }
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      report.progress(`metrics of served frames: ${repetition + 1} of ${settings.repetitions}`);
      const slices: Record<string, ObservedRun[]> = Object.fromEntries(names.map((name) => [name, []]));
      for (let pair = 0; pair < PAIRS; pair++) {
        for (const name of turns(names, pair)) {
          slices[name]!.push(await servers[name]!.run(settings.seconds / PAIRS));
        }
      }
      repetitions.push(slices);
    }
    const lost = await servers[names.at(-1)!]!.lostSpans();
    if (lost > 0) report.doubt(`with all frames traced ${lost} spans were lost: their sending is not in the figures`);
  } finally {
    for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
    collector.closeAllConnections();
    collector.close();
  }
  for (const name of names) {
    const at = { recorded: name };
    const of = (value: (run: ObservedRun) => number): number[] =>
      repetitions.map((slices) => median(slices[name]!.map(value)));
    report.add({ bench: 'metrics', figure: 'served', at, unit: 'frames/s', runs: of((run) => run.framesPerSecond) });
    report.add({ bench: 'metrics', figure: 'server CPU', at, unit: 'us/frame', runs: of((run) => run.cpuPerFrame) });
    if (name === nothing) continue;
    const before = name === statistics ? nothing : statistics;
    const cpu = (slices: (typeof repetitions)[number], of: string): number[] =>
      slices[of]!.map(({ cpuPerFrame }) => cpuPerFrame);
    const kept = repetitions.map((slices) => median(ratios(cpu(slices, before), cpu(slices, name))));
    report.add({ bench: 'metrics', figure: `CPU of ${before} / with it`, at, unit: 'ratio', runs: kept });
  }
  return repetitions.map((slices) => median(slices[nothing]!.map(({ cpuPerFrame }) => cpuPerFrame)));
}

/** The names in an order that changes, so that nobody always follows the same neighbour. */
function turns(names: readonly string[], repetition: number): readonly string[] {
  return repetition % 2 === 0 ? names : names.toReversed();
}
