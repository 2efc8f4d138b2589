import { deepSortSettings, type TrackerConfig } from './tracking-config.js';
import type { TaskInput } from './tasks.js';
import { pipelineProblems, type PipelineConfig } from './pipeline/pipeline-config.js';

/** Which parts of a config.yaml its task needs, and which it leaves without a meaning. */

type Problem = [path: PropertyKey[], message: string];

/** What of a configuration depends on its task. */
export interface TaskDependent {
  readonly task: string;
  readonly input?: unknown;
  readonly pipeline?: PipelineConfig | undefined;
  readonly annotate?: unknown;
  readonly tracker?: TrackerConfig | undefined;
  readonly instance_group: { readonly kind: string };
}

/** What the task looks at and answers with. */
interface TaskTraits {
  readonly input: TaskInput;
  readonly kind: string;
}

/** Sections that the task lacks, or has no use for. */
export function taskProblems(config: TaskDependent, traits: TaskTraits): Problem[] {
  const { task, input, pipeline, annotate, tracker } = config;
  const problems: Problem[] = [];
  if (task === 'pipeline') {
    if (pipeline === undefined) problems.push([['pipeline'], 'the key is missing: expected its stages']);
    else problems.push(...pipelineProblems(pipeline));
  } else {
    if (pipeline !== undefined) {
      problems.push([['pipeline'], `has no meaning with task ${task}: remove it, or write \`task: pipeline\``]);
    }
    if (traits.input === 'picture' && input === undefined) {
      problems.push([['input'], `the key is missing: task ${task} needs the size of the network input, in pixels`]);
    }
  }
  if (traits.kind !== 'detect' && annotate !== undefined) {
    problems.push([['annotate'], `has no meaning with task ${task}, which finds nothing to be drawn: remove it`]);
  }
  if (traits.kind !== 'detect' && tracker !== undefined) {
    problems.push([['tracker'], `has no meaning with task ${task}, which finds nothing to be followed: remove it`]);
  }
  if (task !== 'pipeline' && traits.kind === 'detect' && tracker !== undefined && needsFeatures(tracker)) {
    problems.push([
      ['tracker', 'deepsort'],
      `features decide who is who, and task ${task} gives none: track in a pipeline with a stage that embeds`,
    ]);
  }
  if (task === 'fall' && config.instance_group.kind === 'KIND_GPU') {
    problems.push([['instance_group', 'kind'], 'task fall only runs on the CPU: remove it, or write KIND_CPU']);
  }
  return problems;
}

/** Whether a tracker can only follow what has an embedding. */
export function needsFeatures({ algorithm, deepsort }: TrackerConfig): boolean {
  return algorithm === 'deepsort' && deepSortSettings(deepsort).has_feature;
}
