import { basename, join } from 'node:path';
import { root } from '../bench-repository.js';
import { reportTasks, taskModels, type TaskFigures } from '../task-phases.js';
import { runChild } from './child.js';
import type { GpuBench } from './gpu-bench.js';
import type { TaskInput } from './task-child.js';

const AIM = { is: 'at most', value: 1.05 } as const;

/** What each task costs on the GPU beside its model: one instance, for several would wait for one another. */
export async function tasks({ report, settings }: GpuBench): Promise<void> {
  const { repetitions, taskMilliseconds: milliseconds } = settings;
  const engineCache = join(root, 'build', 'bench-engines', 'tasks');
  const measured: TaskFigures[] = [];
  for (const directory of await taskModels()) {
    report.progress(`tasks: ${basename(directory)}`);
    const input: TaskInput = { directory, kind: 'KIND_GPU', engineCache, repetitions, milliseconds };
    try {
      measured.push(await runChild<TaskFigures>('task-child', input));
    } catch (cause) {
      report.failed(`tasks: ${basename(directory)}`, cause);
    }
  }
  reportTasks(report, measured, AIM);
}
