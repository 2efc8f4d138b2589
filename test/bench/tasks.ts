import { basename } from 'node:path';
import type { Report } from './report.js';
import type { Settings } from './settings.js';
import { measureTask, reportTasks, taskModels, type TaskFigures } from './task-phases.js';

/** What each task costs on the CPU beside its model: one instance with the threads of a server. */
export async function tasks(report: Report, settings: Settings): Promise<void> {
  const { repetitions, operatorMilliseconds: milliseconds } = settings;
  const measured: TaskFigures[] = [];
  for (const directory of await taskModels()) {
    report.progress(`tasks: ${basename(directory)}`);
    measured.push(await measureTask(directory, { kind: 'KIND_CPU', repetitions, milliseconds }));
  }
  reportTasks(report, measured);
}
