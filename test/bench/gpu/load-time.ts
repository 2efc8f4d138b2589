import { RepositoryClient } from '../../../clients/typescript/repository-client.js';
import { MODEL, planOf, STANDARD } from './bench-models.js';
import type { GpuBench } from './gpu-bench.js';
import { GpuServer } from './gpu-server.js';

const AIM = { is: 'at most', value: 2 } as const;

/** How long a model takes to READY when its plan is in the cache. */
export async function loadTime({ report, settings }: GpuBench): Promise<void> {
  report.progress('loading from the cache');
  await planOf(STANDARD);
  const [first, later, spawned]: [number[], number[], number[]] = [[], [], []];
  for (let run = 0; run < settings.repetitions; run++) {
    await using gpu = await GpuServer.start(STANDARD, ['--model-control-mode', 'explicit']);
    using repository = await RepositoryClient.connect(gpu.server.grpcAddress);
    // The first one of a process also brings CUDA and TensorRT up.
    for (const seconds of [first, later]) {
      const start = performance.now();
      await repository.load(MODEL);
      seconds.push((performance.now() - start) / 1000);
      await repository.unload(MODEL);
    }
  }
  for (let run = 0; run < settings.repetitions; run++) {
    const start = performance.now();
    await using _ = await GpuServer.start(STANDARD);
    spawned.push((performance.now() - start) / 1000);
  }
  report.add({ bench: 'load', figure: 'first load to READY', unit: 's', runs: first, aim: AIM });
  report.add({ bench: 'load', figure: 'later load to READY', unit: 's', runs: later });
  report.add({ bench: 'load', figure: 'server spawned to READY', unit: 's', runs: spawned });
}
