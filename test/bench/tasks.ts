import { basename } from 'node:path';
import type { Report } from './report.js';
import { QUIET_CORES, type Settings } from './settings.js';
import { measureTask, reportTasks, taskModels, type TaskFigures } from './task-phases.js';
import { machineCpu, ownCpu } from './usage.js';

/** What each task costs on the CPU beside its model: one instance with the threads of a server. */
export async function tasks(report: Report, settings: Settings): Promise<void> {
  const { repetitions, operatorMilliseconds: milliseconds } = settings;
  const measured: TaskFigures[] = [];
  const start = performance.now();
  const before = machineCpu() - ownCpu();
  for (const directory of await taskModels()) {
    report.progress(`tasks: ${basename(directory)}`);
    measured.push(await measureTask(directory, { kind: 'KIND_CPU', repetitions, milliseconds }));
  }
  const foreign = (machineCpu() - ownCpu() - before) / ((performance.now() - start) / 1000);
  reportTasks(report, measured);
  if (foreign > QUIET_CORES) {
    const what = `others used ${foreign.toFixed(2)} cores meanwhile`;
    report.doubt(`tasks: ${what}; a model that waits for its threads looks slow, and what is beside it little`);
  }
}
