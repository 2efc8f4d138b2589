import { cpus } from 'node:os';

/** CPU time that the machine has spent for anybody, in seconds, since it started. */
export function machineCpu(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

/** CPU time that this process has spent, in seconds. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What a server says of its own use of the machine. */
export interface ServerUsage {
  /** CPU time since it started, in seconds. */
  readonly cpu: number;
  /** Resident memory, in bytes. */
  readonly rss: number;
  /** What the JavaScript heap of its main thread holds of that, garbage included, in bytes. */
  readonly heap: number;
}

/** Asks a server's `/metrics`. `httpAddress` is `host:port`. */
export async function serverUsage(httpAddress: string): Promise<ServerUsage> {
  const text = await (await fetch(`http://${httpAddress}/metrics`)).text();
  const value = (name: string): number => {
    const found = new RegExp(`^${name} (\\S+)`, 'm').exec(text);
    if (found === null) throw new Error(`the server's metrics have no ${name}`);
    return Number(found[1]);
  };
  return {
    cpu: value('process_cpu_seconds_total'),
    rss: value('process_resident_memory_bytes'),
    heap: value('nodejs_heap_size_total_bytes'),
  };
}
