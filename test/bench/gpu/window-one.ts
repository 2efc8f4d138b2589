import { benchClients } from './bench-clients.js';
import { STANDARD } from './bench-models.js';
import type { GpuBench } from './gpu-bench.js';
import { GpuServer } from './gpu-server.js';

const AIM = { is: 'at most', value: 1 } as const;

/** A lone frame at a time: what it takes from client to client beside the engine. */
export async function windowOne({ report, settings, pictures, known }: GpuBench): Promise<void> {
  report.progress('a frame at a time');
  await using gpu = await GpuServer.start(STANDARD);
  const load = { clients: 1, streams: 1, window: 1, seconds: settings.loadSeconds / 2 };
  const p50: number[] = [];
  for (let run = 0; run < settings.repetitions; run++) {
    const [point] = await benchClients(gpu.server.grpcAddress, pictures, load);
    p50.push(point!.latency_us.p50 / 1000);
    const { of, ...phases } = point!.server_us!;
    for (const [phase, us] of Object.entries(phases)) {
      report.add({ bench: 'window 1', figure: `server: ${phase} ${of}`, at: { run }, unit: 'us', runs: [us] });
    }
  }
  report.add({ bench: 'window 1', figure: 'client p50', unit: 'ms', runs: p50 });
  const engine = known.bareMillisecondsOfOne;
  if (engine === undefined) report.doubt('what is added to the engine is missing: the bare engine was not measured');
  else {
    const added = p50.map((ms) => ms - engine);
    report.add({ bench: 'window 1', figure: 'added to the engine', unit: 'ms', runs: added, aim: AIM });
  }
}
