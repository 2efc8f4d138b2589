import type { BenchPoint } from '../../../server/cli/bench-point.js';
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
  const flags = ['--server', address, '--model', MODEL, '--window', String(window), '--streams', String(streams)];
  const outcomes = await Promise.all(
    Array.from({ length: clients }, () =>
      sluice(['bench', ...flags, '--warm-up', '200', '--seconds', String(seconds), ...pictures]),
    ),
  );
  return outcomes.map(({ code, stdout, stderr }) => {
    if (code !== 0) throw new Error(`sluice bench ended with ${code}: ${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchPoint;
  });
}

/** Of all clients together. */
export function framesPerSecond(points: readonly BenchPoint[]): number {
  return points.reduce((sum, point) => sum + point.frames_per_second, 0);
}
