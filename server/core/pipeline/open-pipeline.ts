import type { Clock } from '../clock.js';
import { ServingError } from '../errors.js';
import type { DetectionLayout } from '../inference.js';
import { needsFeatures } from '../config-meaning.js';
import { TASK_KINDS } from '../model-config.js';
import type { TrackerConfig } from '../tracking-config.js';
import type { StageModels } from './frame-run.js';
import type { PipelineConfig, StageConfig } from './pipeline-config.js';
import { PipelineExecutor } from './pipeline-executor.js';
import { whyNotFirst, whyNotLater, type StageModel } from './stage-check.js';

/** The models of a repository, as a pipeline that loads needs them. */
export interface LoadableModels extends StageModels {
  /**
   * Resolves when a model serves that `user`, a pipeline, names as a stage; it is waited for while it loads. Throws why
   * it does not serve, or the reason of the signal.
   */
  whenReady(name: string, version: number | null, user: string, signal: AbortSignal): Promise<void>;
}

/** What of a pipeline's configuration matters here. */
export interface PipelineModelConfig {
  readonly pipeline: PipelineConfig;
  readonly tracker?: TrackerConfig | undefined;
}

/**
 * Waits for the models of all stages and checks that they fit together. Throws MODEL_INVALID with everything that is
 * wrong, or the reason of the signal.
 */
export async function openPipeline(
  name: string,
  { pipeline: config, tracker }: PipelineModelConfig,
  models: LoadableModels,
  clock: Clock,
  signal: AbortSignal,
): Promise<PipelineExecutor> {
  const waits = config.stages.map(({ model, version = null }) => models.whenReady(model, version, name, signal));
  const ends = await Promise.allSettled(waits);
  signal.throwIfAborted();
  const problems = new Map<string, string>();
  const layouts = new Map<string, DetectionLayout | null>();
  config.stages.forEach((stage, index) => {
    const end = ends[index]!;
    const why = check(stage, models, layouts);
    if (why === null) return;
    // Why it was not loaded says more than that it is not there. One that has come since is good.
    const absent = end.status === 'rejected' && !layouts.has(stage.name);
    problems.set(stage.name, absent ? ServingError.from(end.reason).message : why);
  });
  for (const [stage, why] of whatIsToldTwice(config, models, problems)) problems.set(stage, why);
  const lines = [...problems].map(([stage, why]) => `stage ${stage}: ${why}`);
  if (problems.size === 0 && tracker !== undefined && needsFeatures(tracker) && !embeds(config, models)) {
    lines.push('tracker.deepsort wants features, and no stage embeds: add one, or write has_feature: false');
  }
  if (lines.length > 0) throw new ServingError('MODEL_INVALID', lines.join('; '));
  return new PipelineExecutor(config, models, clock, layouts.get(config.stages[0]!.name) ?? null);
}

function embeds({ stages }: PipelineConfig, models: StageModels): boolean {
  return stages.some(({ model, version = null }) => {
    using lease = models.acquire(model, version);
    return TASK_KINDS[lease.model.config.task] === 'embed';
  });
}

/** What is wrong with the model of a stage, or null; notes what its detections have. */
function check(stage: StageConfig, models: StageModels, layouts: Map<string, DetectionLayout | null>): string | null {
  const { input } = stage;
  let model: StageModel;
  try {
    using lease = models.acquire(stage.model, stage.version ?? null);
    ({ model } = lease);
    layouts.set(stage.name, model.layout);
  } catch (cause) {
    return ServingError.from(cause).message;
  }
  if (input === undefined) return whyNotFirst(stage, model);
  const found = layouts.get(input);
  // Its input has a problem of its own.
  return found === undefined ? null : whyNotLater(stage, model, found);
}

/** A detection has one place for each kind of finding. */
function whatIsToldTwice(
  { stages }: PipelineConfig,
  models: StageModels,
  problems: ReadonlyMap<string, string>,
): [stage: string, why: string][] {
  const tellers = new Map<string, string>();
  return stages.slice(1).flatMap((stage): [string, string][] => {
    if (problems.has(stage.name)) return [];
    using lease = models.acquire(stage.model, stage.version ?? null);
    const kind = TASK_KINDS[lease.model.config.task];
    const other = tellers.get(kind);
    if (other === undefined) {
      tellers.set(kind, stage.name);
      return [];
    }
    const what = {
      detect: 'a pose',
      embed: 'an embedding',
      classify: 'a classification',
      segment: 'a map',
      infer: 'tensors',
    }[kind];
    return [[stage.name, `stage ${other} gives each detection ${what} already; make a pipeline of each`]];
  });
}
