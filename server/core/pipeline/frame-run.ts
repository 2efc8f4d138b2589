import { classifyParameters } from '../classifications.js';
import type { Clock } from '../clock.js';
import { detectParameters } from '../detections.js';
import { ServingError } from '../errors.js';
import {
  regionsOf,
  requireTable,
  type InferenceRequest,
  type InferenceResponse,
  type InferenceResult,
  type PhaseDurations,
  type ResultTable,
  type StageResult,
  type TaskParameters,
} from '../inference.js';
import { TASK_INPUTS, TASK_KINDS, type ModelConfig } from '../model-config.js';
import type { Model, ModelLease } from '../model.js';
import type { Content, HeldPicture, Region } from '../picture.js';
import type { PipelineConfig, StageConfig } from './pipeline-config.js';
import { refusal, whyNotFirst, whyNotLater } from './stage-check.js';
import { chooseDetections, KEY_POINT_VALUES, keyPointsFor, regionsFor, type Found } from './stage-regions.js';

/** Where a pipeline gets the models of its stages from, anew for each stage of each frame. */
export interface StageModels {
  /** Throws MODEL_NOT_FOUND, VERSION_NOT_FOUND, MODEL_NOT_READY or SHUTTING_DOWN. */
  acquire(name: string, version: number | null): ModelLease;
}

/** States that task fall tells, for models without a labels file. */
const FALL_LABELS = ['fall', 'stand', 'uncertain'];

/** A stage and, unless it failed or had nothing to do, what it tells of the detections of the frame. */
interface StageRun {
  readonly result: StageResult;
  readonly found: Found | null;
}

/** The answer of a stage's model. */
interface StageResponse extends InferenceResponse {
  /** Microseconds of the clock when it was asked. */
  readonly startedAt: number;
}

/** What a stage asks its model: its content and parameters. */
type Question = Pick<InferenceRequest, 'content' | 'parameters'>;

/** One frame on its way through the stages of a pipeline. Its decoded picture is held until the last one is done. */
export class FrameRun {
  readonly #stages: readonly StageConfig[];
  readonly #models: StageModels;
  readonly #clock: Clock;
  readonly #request: InferenceRequest;
  readonly #phases = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };

  constructor({ stages }: PipelineConfig, models: StageModels, clock: Clock, request: InferenceRequest) {
    this.#stages = stages;
    this.#models = models;
    this.#clock = clock;
    this.#request = request;
  }

  /** Microseconds that the stages spent in each phase, together. */
  get phases(): PhaseDurations {
    return this.#phases;
  }

  /** Never rejects: what fails is told in the result. */
  async run(): Promise<InferenceResult> {
    const [first, ...later] = this.#stages;
    let response: StageResponse;
    let model: Model;
    try {
      ({ response, model } = await this.#runFirst(first!));
    } catch (cause) {
      return { width: 0, height: 0, outcome: ServingError.from(cause) };
    }
    const { outcome, width, height, timings, startedAt, picture } = response;
    let handedOn = false;
    try {
      if (outcome instanceof ServingError) return { width, height, outcome };
      const detections = requireTable(outcome);
      const rows = Array.from({ length: detections.rows }, (_, row) => row);
      const { version, labels } = model;
      const result = { ...untouched(first!), version, timings, startedAt, labels };
      const runs = new Map<string, Promise<StageRun>>();
      runs.set(first!.name, Promise.resolve({ result, found: { table: detections, rows } }));
      for (const stage of later) {
        runs.set(stage.name, this.#runLater(stage, runs.get(stage.input!)!, detections, picture));
      }
      const stages = (await Promise.all(runs.values())).map((run) => run.result);
      handedOn = this.#request.keep !== undefined && picture !== undefined;
      return { width, height, outcome, stages, ...(handedOn ? { picture } : {}) };
    } finally {
      if (!handedOn) picture?.release();
    }
  }

  async #runFirst(stage: StageConfig): Promise<{ response: StageResponse; model: Model }> {
    const { content, parameters, keep } = this.#request;
    if (parameters.kind !== 'detect') throw new Error('a pipeline was asked for something else than detections');
    using lease = this.#models.acquire(stage.model, stage.version ?? null);
    const { model } = lease;
    const why = whyNotFirst(stage, model);
    if (why !== null) throw refusal(stage, why);
    const { tiles } = stage;
    const asked = detectParameters(parameters.asked ?? {}, model.config);
    const completed = tiles === undefined ? asked : { ...asked, tiles: { ...tiles, wholePicture: tiles.whole_frame } };
    const looksAgain = this.#stages.length > 1;
    const question = { content, parameters: completed };
    const response = await this.#ask(lease, question, keep ?? (looksAgain ? 'any' : undefined));
    return { response, model };
  }

  async #runLater(
    stage: StageConfig,
    inputRun: Promise<StageRun>,
    detections: ResultTable,
    picture: HeldPicture | undefined,
  ): Promise<StageRun> {
    const input = await inputRun;
    const nothing = untouched(stage);
    if (input.result.error !== null) {
      const { code } = input.result.error;
      const error = new ServingError(code, `stage ${stage.input}, whose findings it looks at, failed`);
      return { result: { ...nothing, error }, found: null };
    }
    const chosen = input.found === null ? [] : chooseDetections(stage, detections, input.found);
    if (chosen.length === 0) return { result: nothing, found: null };
    const asked = { ...nothing, regions: chosen.length };
    let version: number | null = null;
    try {
      using lease = this.#models.acquire(stage.model, stage.version ?? null);
      const { model } = lease;
      ({ version } = model);
      const why = whyNotLater(stage, model, input.found!.table.layout ?? null);
      if (why !== null) throw refusal(stage, why);
      const question = questionFor(stage, model.config, chosen, detections, input.found!, picture);
      const { outcome, timings, startedAt } = await this.#ask(lease, question, undefined);
      if (outcome instanceof ServingError) {
        return { result: { ...asked, version, timings, startedAt, error: outcome }, found: null };
      }
      const table = requireTable(outcome);
      const rows = Array<number>(detections.rows).fill(-1);
      chosen.forEach((place, row) => (rows[place] = row));
      const findings = { parameters: question.parameters, table, rows };
      const labels = model.labels.length === 0 && model.config.task === 'fall' ? FALL_LABELS : model.labels;
      return { result: { ...asked, version, timings, startedAt, labels, findings }, found: { table, rows } };
    } catch (cause) {
      return { result: { ...asked, version, error: ServingError.from(cause) }, found: null };
    }
  }

  /** Throws what refuses the request; a failure of the model is an outcome. */
  async #ask(lease: ModelLease, question: Question, keep: InferenceRequest['keep']): Promise<StageResponse> {
    const { deadlineAt, priority, signal } = this.#request;
    const batching = lease.model.config.dynamic_batching;
    const arrivedAt = this.#clock.now();
    const timeout = batching.default_queue_policy.default_timeout_microseconds;
    const limits = [deadlineAt ?? Infinity, timeout === 0 ? Infinity : arrivedAt + timeout];
    const deadline = Math.min(...limits);
    if (signal?.aborted === true) throw ServingError.from(signal.reason);
    const ticket = lease.enqueue({
      ...question,
      rows: rowsOf(question),
      batchKey: '',
      arrivedAt,
      deadlineAt: deadline === Infinity ? null : deadline,
      // Of a model with fewer levels, the last.
      priority: Math.min(priority, batching.priority_levels),
      keep,
      signal,
    });
    const withdraw = (): void => void ticket.withdraw(ServingError.from(signal?.reason));
    signal?.addEventListener('abort', withdraw);
    const response = await ticket.response;
    signal?.removeEventListener('abort', withdraw);
    for (const phase of ['decode', 'preprocess', 'infer', 'postprocess'] as const) {
      this.#phases[phase] += response.timings[phase];
    }
    return { ...response, startedAt: arrivedAt };
  }
}

/** What is told of a stage that had nothing to do. */
function untouched({ name, model }: StageConfig): StageResult {
  return {
    name,
    model,
    version: null,
    regions: 0,
    timings: null,
    startedAt: null,
    error: null,
    labels: [],
    findings: null,
  };
}

function rowsOf({ content, parameters }: Question): number {
  if (content.kind === 'points') return content.values.length / KEY_POINT_VALUES;
  return Math.max(1, regionsOf(parameters).length);
}

function questionFor(
  stage: StageConfig,
  config: ModelConfig,
  chosen: readonly number[],
  detections: ResultTable,
  input: Found,
  picture: HeldPicture | undefined,
): Question {
  if (TASK_INPUTS[config.task] === 'points') {
    return { content: keyPointsFor(chosen, detections, input), parameters: parametersFor(config, []) };
  }
  if (picture === undefined) throw new Error('the first stage has kept no picture');
  const content: Content = picture.picture;
  return { content, parameters: parametersFor(config, regionsFor(stage, chosen, input)) };
}

/** What a later stage asks of its model: the model's own defaults. */
function parametersFor(config: ModelConfig, regions: readonly Region[]): TaskParameters {
  switch (TASK_KINDS[config.task]) {
    case 'detect':
      return detectParameters({ regions }, config);
    case 'embed':
      return { kind: 'embed', regions };
    case 'classify':
      return classifyParameters({}, regions, config);
    case 'segment':
    case 'infer':
      throw new Error('a later stage tells of one object at a time');
  }
}
