import { measureTask, type TaskMeasuring } from '../task-phases.js';
import { childInput } from './child.js';

export interface TaskInput extends TaskMeasuring {
  readonly directory: string;
}

/** Runs a model in this process, batch by batch. Input: TaskInput. Output: TaskFigures. */
const { directory, ...measuring } = childInput<TaskInput>();
console.log(JSON.stringify(await measureTask(directory, measuring)));
