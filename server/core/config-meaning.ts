import { deepSortSettings, type TrackerConfig } from './tracking-config.js';
import { ensembleProblems, type EnsembleConfig } from './ensemble/ensemble-config.js';
import type { TaskInput } from './tasks.js';
import { tensorsProblems, type TensorsConfig } from './tensors-config.js';
import { pipelineProblems, type PipelineConfig } from './pipeline/pipeline-config.js';

/** Which parts of a config.yaml its task needs, and which it leaves without a meaning. */

type Problem = [path: PropertyKey[], message: string];

/** What of a configuration depends on its task. */
export interface TaskDependent {
  readonly task: string;
  readonly input?: unknown;
  readonly pipeline?: PipelineConfig | undefined;
  readonly tensors?: TensorsConfig | undefined;
  readonly ensemble_scheduling?: EnsembleConfig | undefined;
  readonly annotate?: unknown;
  readonly tracker?: TrackerConfig | undefined;
  readonly response_cache: { readonly enable: boolean };
  readonly sequence_batching?: unknown;
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
  const problems: Problem[] = tensorProblems(config, traits);
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
  if (tracker !== undefined && config.response_cache.enable) {
    problems.push([
      ['response_cache', 'enable'],
      'has no meaning with a tracker, to which equal frames are not the same: remove one of the two',
    ]);
  }
  if (config.sequence_batching !== undefined && config.response_cache.enable) {
    problems.push([
      ['response_cache', 'enable'],
      'has no meaning with sequence_batching, where equal requests have different answers: remove one of the two',
    ]);
  }
  if (task === 'fall' && config.instance_group.kind === 'KIND_GPU') {
    problems.push([['instance_group', 'kind'], 'task fall only runs on the CPU: remove it, or write KIND_CPU']);
  }
  return problems;
}

/** Of the sections that say what tensors are. */
function tensorProblems(
  { task, tensors, ensemble_scheduling: ensemble }: TaskDependent,
  { input }: TaskTraits,
): Problem[] {
  const problems = tensors === undefined ? [] : tensorsProblems(tensors);
  if (tensors !== undefined && input !== 'tensors') {
    problems.push([['tensors'], `has no meaning with task ${task}, whose tensors the task knows: remove it`]);
  }
  if (task === 'ensemble') {
    if (tensors === undefined) problems.push([['tensors'], 'the key is missing: expected the inputs and outputs']);
    if (ensemble === undefined) problems.push([['ensemble_scheduling'], 'the key is missing: expected the steps']);
    else problems.push(...ensembleProblems(ensemble, tensors ?? { input: [], output: [] }));
  } else if (ensemble !== undefined) {
    problems.push([
      ['ensemble_scheduling'],
      `has no meaning with task ${task}: remove it, or write \`task: ensemble\``,
    ]);
  }
  return problems;
}

/** Whether a tracker can only follow what has an embedding. */
export function needsFeatures({ algorithm, deepsort }: TrackerConfig): boolean {
  return algorithm === 'deepsort' && deepSortSettings(deepsort).has_feature;
}
