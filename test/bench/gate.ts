import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RepositoryClient } from '../../clients/typescript/repository-client.js';
import { TOKEN, type GateMode } from './gate-server.js';
import { median } from './figures.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';

const SERVER = fileURLToPath(new URL('gate-server.js', import.meta.url));
const MODES: readonly GateMode[] = [
  'open',
  'gate',
  'gate, tokens',
  'gate, tokens and limits',
  'interceptor, tokens',
  'handler, tokens',
];
const CALLS_AT_ONCE = 32;
const CALLS = 8000;
const WARM_UP = 4000;

/** What it costs the server to decide who may call: microseconds of its CPU for a unary call that does nothing. */
export async function gate(report: Report, settings: Settings): Promise<void> {
  const servers = await Promise.all(MODES.map((mode) => GateServer.start(mode)));
  const runs = new Map<GateMode, number[]>(MODES.map((mode) => [mode, []]));
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    report.progress(`gate: ${repetition + 1} of ${settings.repetitions}`);
    for (const server of servers) runs.get(server.mode)!.push(await server.cpuOfCall());
  }
  for (const server of servers) server[Symbol.dispose]();
  for (const [mode, microseconds] of runs) {
    report.add({ bench: 'gate', figure: 'server CPU of a call', at: { mode }, unit: 'us', runs: microseconds });
  }
  const open = median(runs.get('open')!);
  const ratio = runs.get('gate, tokens and limits')!.map((microseconds) => microseconds / open);
  report.add({
    bench: 'gate',
    figure: 'server CPU with tokens and limits, of that without a gate',
    unit: 'ratio',
    runs: ratio,
    aim: { is: 'at most', value: 1.2 },
  });
}

class GateServer implements Disposable {
  readonly mode: GateMode;
  readonly #child: ChildProcess;
  readonly #client: RepositoryClient;

  private constructor(mode: GateMode, child: ChildProcess, client: RepositoryClient) {
    this.mode = mode;
    this.#child = child;
    this.#client = client;
  }

  static async start(mode: GateMode): Promise<GateServer> {
    const child = fork(SERVER, [mode]);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const client = await RepositoryClient.connect(`127.0.0.1:${port}`, { token: TOKEN });
    const server = new GateServer(mode, child, client);
    await server.#call(WARM_UP);
    return server;
  }

  async cpuOfCall(): Promise<number> {
    const before = await this.#cpu();
    await this.#call(CALLS);
    return ((await this.#cpu()) - before) / CALLS;
  }

  async #call(count: number): Promise<void> {
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) await this.#client.list();
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, one));
  }

  async #cpu(): Promise<number> {
    this.#child.send('cpu');
    const [{ cpu }] = (await once(this.#child, 'message')) as [{ cpu: number }];
    return cpu;
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
    this.#child.kill();
  }
}
