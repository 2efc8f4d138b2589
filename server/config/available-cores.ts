import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where a container sees its CPU limit: quota and period in microseconds, or `max`. */
const CPU_LIMIT_FILE = '/sys/fs/cgroup/cpu.max';

/**
 * How many threads this process can run at once, at least 1: the cores of the machine, fewer where a container's CPU
 * limit is lower. Node 20 counts the cores alone, and a pool of their number then spends its time being throttled.
 */
export function availableCores(
  cores: number = availableParallelism(),
  cpuLimit: string | null = readCpuLimit(),
): number {
  const [quota, period] = (cpuLimit ?? 'max').trim().split(/\s+/).map(Number);
  const limit = Number(quota) / Number(period);
  return Number.isFinite(limit) && limit > 0 ? Math.max(1, Math.min(cores, Math.ceil(limit))) : cores;
}

/** Null: no such file, so no limit: not Linux, or not in a control group of version 2. */
function readCpuLimit(): string | null {
  return existsSync(CPU_LIMIT_FILE) ? readFileSync(CPU_LIMIT_FILE, 'utf8') : null;
}
