import { join } from 'node:path';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { root } from './bench-repository.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';
import { serverUsage } from './usage.js';

const AIM = { is: 'at most', value: 1.5 } as const;

/** How long a server takes from being spawned until every model of model-repo/ is READY. */
export async function start(report: Report, settings: Settings): Promise<void> {
  const seconds: number[] = [];
  const cpuSeconds: number[] = [];
  for (let repetition = 0; repetition < settings.starts; repetition++) {
    report.progress(`start: ${repetition + 1} of ${settings.starts}`);
    const begun = performance.now();
    await using server = await ServerProcess.start({ modelRepository: join(root, 'model-repo') });
    seconds.push((performance.now() - begun) / 1000);
    cpuSeconds.push((await serverUsage(server.httpAddress)).cpu);
    const started = server.log.find(({ msg }) => msg === 'started');
    if (started?.['ready'] !== true) throw new Error('a model of model-repo/ is not ready; run make setup');
  }
  report.add({ bench: 'start', figure: 'spawn to READY', unit: 's', runs: seconds, aim: AIM });
  // What it would come to with the machine to itself, at most.
  report.add({ bench: 'start', figure: 'CPU until READY', unit: 's', runs: cpuSeconds });
}
