import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchPoint } from '../../../server/cli/bench/point.js';
import { sluice } from '../../support/sluice-command.js';
import { MODEL } from './bench-models.js';

/** What each client keeps in flight. */
export interface ClientLoad {
  readonly clients: number;
  readonly streams: number;
  readonly window: number;
  readonly seconds: number;
}

/** Runs `sluice bench` in several processes at once, since one client is no match for a server with a GPU. */
export async function benchClients(
  address: string,
  pictures: readonly string[],
  { clients, streams, window, seconds }: ClientLoad,
): Promise<BenchPoint[]> {
  const concurrency = ['--concurrency', String(window * streams), '--streams', String(streams)];
  const windows = ['--warm-up', '200', '--seconds', String(seconds), '--windows', '1'];
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    return await Promise.all(
      Array.from({ length: clients }, async (_, index) => {
        const json = join(directory, `${index}.jsonl`);
        const flags = ['--server', address, '--model', MODEL, ...concurrency, ...windows, '--json', json];
        const { code, stderr } = await sluice(['bench', ...flags, ...pictures]);
        if (code !== 0) throw new Error(`sluice bench ended with ${code}: ${stderr}`);
        return JSON.parse(await readFile(json, 'utf8')) as BenchPoint;
      }),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Of all clients together. */
export function framesPerSecond(points: readonly BenchPoint[]): number {
  return points.reduce((sum, point) => sum + point.requests_per_second, 0);
}
