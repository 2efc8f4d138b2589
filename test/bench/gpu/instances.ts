import { setTimeout as pause } from 'node:timers/promises';
import { loadNativeGpu } from '../../../server/runtime/native-gpu.js';
import { benchClients, framesPerSecond } from './bench-clients.js';
import { STANDARD } from './bench-models.js';
import type { GpuBench } from './gpu-bench.js';
import { GpuServer } from './gpu-server.js';

const COUNTS = [1, 2, 4] as const;
const AIM = { is: 'at most', value: 2.2 } as const;
const MIB = 2 ** 20;

/** Device memory and throughput of one server by its number of instances. Nothing else may run on the GPU. */
export async function instances(bench: GpuBench): Promise<void> {
  const { report } = bench;
  const taken = new Map<number, number>();
  for (const count of COUNTS) {
    report.progress(`${count} instances`);
    try {
      taken.set(count, await measure(bench, count));
    } catch (cause) {
      report.failed(`${count} instances`, cause);
    }
  }
  const [one, four] = [taken.get(1), taken.get(4)];
  if (one === undefined || four === undefined) return;
  const runs = [four / one];
  report.add({ bench: 'instances', figure: 'device memory of 4 / of 1', unit: 'ratio', runs, aim: AIM });
}

/** Bytes of device memory that a server with `count` instances takes. */
async function measure({ report, settings, pictures }: GpuBench, count: number): Promise<number> {
  const before = await usedBytes();
  await using gpu = await GpuServer.start({ ...STANDARD, instances: count });
  const load = { clients: 3, streams: 2, window: 32, seconds: settings.loadSeconds / 2 };
  const points = await benchClients(gpu.server.grpcAddress, pictures, load);
  // After a load: buffers have grown to what full batches need.
  const bytes = (await usedBytes()) - before;
  const at = { instances: count };
  report.add({ bench: 'instances', figure: 'device memory', at, unit: 'MiB', runs: [bytes / MIB] });
  report.add({ bench: 'instances', figure: 'served', at, unit: 'frames/s', runs: [framesPerSecond(points)] });
  return bytes;
}

/** Of the first GPU, by whatever process: the server's context and all, as the driver counts it. */
async function usedBytes(): Promise<number> {
  // A process that has just ended is still being cleaned up after.
  await pause(1000);
  const used = loadNativeGpu().telemetry()[0]?.memoryUsedBytes ?? Number.NaN;
  if (!Number.isFinite(used)) throw new Error('the driver does not tell how much device memory is in use');
  return used;
}
