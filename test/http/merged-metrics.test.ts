import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { MergedMetrics } from '../../server/http/merged-metrics.js';
import { PROCESS_METRICS } from '../../server/http/metric-definitions.js';
import { Metrics, type MetricSnapshot, type ModelGauges } from '../../server/http/metrics.js';
import { timings } from '../support/recording-statistics.js';

const MODEL: ModelGauges = {
  model: 'face',
  version: 1,
  state: 'READY',
  queue: { requests: 2, bytes: 10 },
  instances: { total: 3, idle: 1 },
  sequences: null,
};

/** A process, whose snapshots cross as JSON. */
class Process {
  readonly metrics: Metrics;
  gauges = [MODEL];

  constructor(number: number, energyJoules = 7) {
    const reading = {
      index: 0,
      uuid: 'GPU-a',
      name: 'X',
      utilization: 0.5,
      memoryTotalBytes: 8,
      memoryUsedBytes: 4,
      powerWatts: 300,
      powerLimitWatts: 700,
      energyJoules,
      temperatureCelsius: 40,
      jpegUtilization: NaN,
    };
    this.metrics = new Metrics(() => this.gauges, {
      process: number,
      connections: () => number,
      gpus: { read: () => [reading], warn: () => {}, now: () => 0 },
    });
  }

  async snapshot(): Promise<MetricSnapshot> {
    return JSON.parse(JSON.stringify(await this.metrics.snapshot())) as MetricSnapshot;
  }
}

function merged(processes: readonly Process[]) {
  const metrics = new MergedMetrics(async () => ({
    snapshots: await Promise.all(processes.map((process) => process.snapshot())),
    total: 2,
    ready: processes.length,
  }));
  const scrape = async () => {
    const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  };
  return { metrics, scrape };
}

test('counters, histograms and gauges of all processes add up', async (t) => {
  const processes = [new Process(1), new Process(2)];
  for (const { metrics } of processes) metrics.forModel('face', 1).succeeded(timings(1500), 1);
  processes[1]!.metrics.forModel('face', 1).failed(new ServingError('BAD_IMAGE', 'bad'), 0);
  const series = await merged(processes).scrape();
  const labels = 'model="face",version="1"';
  t.is(series.get(`sluice_requests_total{${labels}}`), 3);
  t.is(series.get(`sluice_request_failures_total{${labels},reason="BAD_IMAGE"}`), 1);
  t.is(series.get(`sluice_request_duration_seconds_count{${labels}}`), 2);
  t.is(series.get(`sluice_request_duration_seconds_bucket{le="0.002",${labels}}`), 2);
  t.is(series.get(`sluice_request_duration_seconds_bucket{le="+Inf",${labels}}`), 2);
  t.is(series.get(`sluice_queue_requests{${labels}}`), 4);
  t.is(series.get(`sluice_instances{${labels},state="busy"}`), 4);
});

test('what every process sees of the same thing is not added up', async (t) => {
  const processes = [new Process(1), new Process(2)];
  const { scrape } = merged(processes);
  const gpu = 'gpu="0",uuid="GPU-a",name="X"';
  const first = await scrape();
  t.is(first.get(`sluice_gpu_power_watts{${gpu}}`), 300);
  t.is(first.get(`sluice_gpu_energy_joules_total{${gpu}}`), 7);
  const state = (name: string) => `sluice_model_state{model="face",version="1",state="${name}"}`;
  t.is(first.get(state('READY')), 1);
  processes[1]!.gauges = [{ ...MODEL, state: 'UNAVAILABLE', queue: null, instances: null }];
  const second = await scrape();
  t.deepEqual([second.get(state('READY')), second.get(state('UNAVAILABLE'))], [0.5, 0.5]);
});

test('processes can be told apart by their connections, and are counted by state', async (t) => {
  const series = await merged([new Process(1)]).scrape();
  t.is(series.get('sluice_connections_open{process="1"}'), 1);
  t.is(series.get('sluice_processes{state="ready"}'), 1);
  t.is(series.get('sluice_processes{state="not_ready"}'), 1);
});

test('what a process had counted stays when it has ended, what it measured does not', async (t) => {
  const processes = [new Process(1), new Process(2)];
  const { metrics, scrape } = merged(processes);
  for (const process of processes) process.metrics.forModel('face', 1).succeeded(timings(1500), 1);
  const requests = 'sluice_requests_total{model="face",version="1"}';
  t.is((await scrape()).get(requests), 2);
  // Both end, one after the other.
  for (let end = 0; end < 2; end++) metrics.processEnded(await processes.pop()!.snapshot());
  metrics.processEnded(null);
  const after = await scrape();
  t.is(after.get(requests), 2);
  t.is(after.get('sluice_request_duration_seconds_count{model="face",version="1"}'), 2);
  t.is(after.get('sluice_processes_ended_total'), 3);
  t.false(after.has('sluice_queue_requests{model="face",version="1"}'));
  processes.push(new Process(1, 9));
  const energy = 'sluice_gpu_energy_joules_total{gpu="0",uuid="GPU-a",name="X"}';
  t.deepEqual([after.get(energy), (await scrape()).get(energy)], [undefined, 9], 'what a GPU counts is its own');
  processes[0]!.metrics.forModel('face', 1).succeeded(timings(1500), 1);
  t.is((await scrape()).get(requests), 3);
});

test('the process metrics are those of all, the start that of the server', async (t) => {
  const { metrics, scrape } = merged([new Process(1)]);
  const series = await scrape();
  t.true(series.get('process_resident_memory_bytes')! > 0);
  t.true(Math.abs(series.get('process_start_time_seconds')! - Date.now() / 1000) < 3600);
  const text = await metrics.text();
  for (const { name, type } of Object.values(PROCESS_METRICS)) t.true(text.includes(`# TYPE ${name} ${type}\n`), name);
});
