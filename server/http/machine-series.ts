import { cpus, freemem, totalmem } from 'node:os';
import type { Registry } from 'prom-client';
import { registerReadMetric } from './read-metrics.js';
import { TRITON_METRICS } from './triton-metric-definitions.js';

/** CPU time of the machine since it started, in milliseconds. */
interface CpuTime {
  readonly busy: number;
  readonly all: number;
}

/** A shorter time than this, in milliseconds of one CPU, says nothing: the system counts in hundredths of a second. */
const LEAST_MILLISECONDS = 1000;

/**
 * Registers what is told of the machine. Its CPUs are judged from one scrape to the next; before there was time to see
 * anything, since the machine started.
 */
export function registerMachineMetrics(registry: Registry): void {
  let from = cpuTime();
  // Some sandboxes count nothing.
  let utilization = from.all > 0 ? from.busy / from.all : 0;
  registerReadMetric(registry, TRITON_METRICS.cpuUtilization, () => {
    const now = cpuTime();
    if (now.all - from.all >= LEAST_MILLISECONDS) {
      utilization = (now.busy - from.busy) / (now.all - from.all);
      from = now;
    }
    return [{ labels: {}, value: utilization }];
  });
  registerReadMetric(registry, TRITON_METRICS.cpuMemoryTotal, () => [{ labels: {}, value: totalmem() }]);
  // Node's free memory is what Linux calls available: caches are free.
  registerReadMetric(registry, TRITON_METRICS.cpuMemoryUsed, () => [{ labels: {}, value: totalmem() - freemem() }]);
}

function cpuTime(): CpuTime {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const worked = times.user + times.nice + times.sys + times.irq;
    busy += worked;
    all += worked + times.idle;
  }
  return { busy, all };
}
