import { benchClients, framesPerSecond } from './bench-clients.js';
import { STANDARD } from './bench-models.js';
import type { GpuBench } from './gpu-bench.js';
import { GpuServer } from './gpu-server.js';
import { CpuSampler } from './process-cpu.js';

const AIM = { is: 'at least', value: 0.85 } as const;
const PROCESSES = [1, 2, 4] as const;

/** Over gRPC, from client processes on the same machine, by one server process and by several. */
export async function served(bench: GpuBench): Promise<void> {
  const rates: number[] = [];
  for (const processes of PROCESSES) {
    bench.report.progress(`served by ${processes} processes`);
    try {
      rates.push(await servedBy(bench, processes));
    } catch (cause) {
      bench.report.failed(`served by ${processes} processes`, cause);
    }
  }
  const { report, known } = bench;
  if (rates.length === 0) return;
  if (known.inProcessRate === undefined) report.doubt('the ratio to one process without a server is missing');
  else {
    const runs = [Math.max(...rates) / known.inProcessRate];
    report.add({ bench: 'served', figure: 'served / in process', unit: 'ratio', runs, aim: AIM });
  }
}

async function servedBy({ report, settings, pictures }: GpuBench, processes: number): Promise<number> {
  const flags = ['--processes', String(processes)];
  await using gpu = await GpuServer.start(STANDARD, flags);
  const { grpcAddress, pid } = gpu.server;
  const load = { clients: 2 * processes + 1, streams: 2, window: 32, seconds: settings.loadSeconds };
  using sampler = new CpuSampler(pid);
  const points = await benchClients(grpcAddress, pictures, load);
  const cpu = sampler.used();
  const at = { processes, clients: load.clients };
  const rate = framesPerSecond(points);
  report.add({ bench: 'served', figure: 'JPEG to boxes', at, unit: 'frames/s', runs: [rate] });
  const batches = points.map((point) => point.mean_batch_size);
  report.add({ bench: 'served', figure: 'mean batch by client', at, unit: 'frames', runs: batches });
  const latencies = points.map((point) => point.latency_us.p50 / 1000);
  report.add({ bench: 'served', figure: 'p50 by client', at, unit: 'ms', runs: latencies });
  report.add({ bench: 'served', figure: 'CPU by server process', at, unit: 'cores', runs: cpu.byServerProcess });
  report.add({ bench: 'served', figure: 'CPU of the server', at, unit: 'cores', runs: [cpu.server] });
  report.add({ bench: 'served', figure: 'CPU of the clients', at, unit: 'cores', runs: [cpu.others] });
  return rate;
}
