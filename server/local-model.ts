import { basename, dirname, resolve } from 'node:path';
import { readModelConfig } from './config/read-model-config.js';
import { switchTelemetryOff } from './config/runtime-telemetry.js';
import { resolveServerOptions } from './config/server-options.js';
import { systemClock } from './core/clock.js';
import { bestClasses, classifyParameters, type ClassifyChoices } from './core/classifications.js';
import { detectParameters, readDetections, type DetectChoices } from './core/detections.js';
import { ServingError } from './core/errors.js';
import {
  regionsOf,
  requireTable,
  type InferenceResponse,
  type RequestTimings,
  type ResultTable,
  type TaskParameters,
} from './core/inference.js';
import { TASK_INPUTS, TASK_KINDS, type TaskInput, type TaskKind } from './core/model-config.js';
import { Model } from './core/model.js';
import type { Content, PixelLayout, Region } from './core/picture.js';
import { scanModel } from './core/repository-scan.js';
import { readSegmentation, type Segmentation } from './core/segmentations.js';
import { NO_STATISTICS } from './core/statistics.js';
import { usedModels } from './core/used-models.js';
import type { ClassScore, Detection } from './gen/sluice/v1/inference.js';
import { PictureCalibrator } from './runtime/calibration/picture-calibrator.js';
import { ModelExecutors } from './runtime/model-executor.js';

/** Sluice without a server: the same engines, batching and worker threads, called in the process that needs the answers. */

export type { ClassifyChoices, ClassScore, DetectChoices, Detection, PixelLayout, Region, RequestTimings };
export { ServingError };

export interface OpenOptions {
  /** The version to open; left out: the newest. */
  readonly version?: number;
  /** Where plans are kept; left out: as the server has it. */
  readonly engineCache?: string;
  /** CPU threads that the instances on the CPU share; left out: the cores. */
  readonly threads?: number;
  /** Told of builds, fall-backs and faults; left out: nobody is. */
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Ends the opening, and a build that it waits for. */
  readonly signal?: AbortSignal;
}

/** A JPEG, PNG or WebP file, or pixels as they are. */
export type LocalPicture = Uint8Array | (PixelLayout & { readonly data: Uint8Array });

export interface LocalDetections {
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** Best score first. */
  readonly detections: readonly Detection[];
  readonly timings: RequestTimings;
}

export interface LocalEmbeddings {
  readonly width: number;
  readonly height: number;
  /** One a region: its vector, or why there is none. */
  readonly embeddings: readonly (Float32Array | ServingError)[];
  readonly timings: RequestTimings;
}

export interface LocalSegmentation extends Segmentation {
  readonly width: number;
  readonly height: number;
  readonly timings: RequestTimings;
}

export interface LocalClassifications {
  readonly width: number;
  readonly height: number;
  /** One a region: its classes, best first, or why there are none. */
  readonly classifications: readonly (readonly ClassScore[] | ServingError)[];
  readonly timings: RequestTimings;
}

/**
 * Opens one model directory, as a model repository has them, and resolves when it is warm. Throws a ServingError:
 * CONFIG_INVALID, MODEL_INVALID, VERSION_NOT_FOUND, DEVICE_UNAVAILABLE or DEVICE_OUT_OF_MEMORY.
 */
export async function open(directory: string, options: OpenOptions = {}): Promise<LocalModel> {
  switchTelemetryOff();
  const path = resolve(directory);
  const snapshot = await scanModel(dirname(path), basename(path), readModelConfig);
  if (snapshot === null) throw new ServingError('MODEL_NOT_FOUND', `${path} is not a model directory`);
  if (snapshot.content instanceof ServingError) throw snapshot.content;
  const { config, labels, versions } = snapshot.content;
  if (usedModels(config).length > 0) {
    throw new ServingError(
      'TASK_NOT_SUPPORTED',
      `${path} is of task ${config.task}, which needs a server: open its models instead`,
    );
  }
  const file = options.version === undefined ? versions.at(-1) : versions.find((at) => at.version === options.version);
  if (file === undefined) throw new ServingError('VERSION_NOT_FOUND', `${path} has no version ${options.version}`);
  const { threads, maxPicturePixels, engineCache, engineCacheBytes } = resolveServerOptions({});
  const limits = { threads: options.threads ?? threads, maxPicturePixels };
  const executors = new ModelExecutors({
    ...limits,
    plans: {
      directory: options.engineCache ?? engineCache,
      maxBytes: engineCacheBytes,
      calibrator: new PictureCalibrator(limits),
      statistics: NO_STATISTICS.engines,
      log: (level, _model, message) => options.log?.(level, message),
    },
  });
  const { version } = file;
  const executor = await executors.create({
    model: snapshot.name,
    version,
    modelFile: file.path,
    config,
    labels: labels.length,
    signal: options.signal ?? new AbortController().signal,
  });
  const statistics = NO_STATISTICS.model;
  return new LocalModel(
    new Model({ name: snapshot.name, version, config, labels, executor, statistics, clock: systemClock }),
  );
}

/**
 * A model in this process. Calls may overlap as they like: what waits together is batched together, so commit many
 * pictures and await the answers. Ends with `await using`, once the last answer is there.
 */
export class LocalModel implements AsyncDisposable {
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  get version(): number {
    return this.#model.version;
  }

  /**
   * Finds objects. Resolves to as many as the model's own limits and `choices` allow; throws a ServingError: BAD_IMAGE,
   * QUEUE_FULL, TASK_NOT_SUPPORTED for an embedder, and what the engine throws.
   */
  async detect(picture: LocalPicture, choices: DetectChoices = {}): Promise<LocalDetections> {
    this.#require('detect');
    const { table, ...answer } = await this.#infer(picture, detectParameters(choices, this.#model.config));
    return { ...answer, detections: readDetections({ ...answer, table }, this.#model.labels) };
  }

  /** Embeds a picture, its regions, or a text. Throws as `detect` does. */
  async embed(content: LocalPicture | string, regions: readonly Region[] = []): Promise<LocalEmbeddings> {
    this.#require('embed');
    const { table, ...answer } = await this.#infer(content, { kind: 'embed', regions });
    return { ...answer, embeddings: vectorsOf(table) };
  }

  /** Tells the classes of a picture, of its regions, or of a text. Throws as `detect` does. */
  async classify(
    content: LocalPicture | string,
    choices: ClassifyChoices & { readonly regions?: readonly Region[] } = {},
  ): Promise<LocalClassifications> {
    this.#require('classify');
    const parameters = classifyParameters(choices, choices.regions ?? [], this.#model.config);
    const { table, ...answer } = await this.#infer(content, parameters);
    const classifications = vectorsOf(table).map((scores) =>
      scores instanceof ServingError ? scores : bestClasses(scores, parameters, this.#model.labels),
    );
    return { ...answer, classifications };
  }

  /** Tells the class of every pixel of a picture, and with `probabilityMap` how sure the model is. Throws as `detect` does. */
  async segment(picture: LocalPicture, { probabilityMap = false } = {}): Promise<LocalSegmentation> {
    this.#require('segment');
    const { table, ...answer } = await this.#infer(picture, { kind: 'segment', probabilityMap });
    return { ...answer, ...readSegmentation(table, this.#model.labels) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }

  #require(kind: TaskKind): void {
    const { task } = this.#model.config;
    if (TASK_KINDS[task] === kind) return;
    throw new ServingError('TASK_NOT_SUPPORTED', `task ${task} does not answer ${kind}()`);
  }

  async #infer(
    content: LocalPicture | string,
    parameters: TaskParameters,
  ): Promise<Omit<InferenceResponse, 'outcome'> & { readonly table: ResultTable }> {
    const { config } = this.#model;
    const { default_priority_level: priority, default_queue_policy: policy } = config.dynamic_batching;
    const arrivedAt = systemClock.now();
    const timeout = policy.default_timeout_microseconds;
    using lease = this.#model.lease();
    const ticket = lease.enqueue({
      content: toContent(content, TASK_INPUTS[config.task]),
      parameters,
      rows: Math.max(1, regionsOf(parameters).length),
      batchKey: '',
      arrivedAt,
      deadlineAt: timeout === 0 ? null : arrivedAt + timeout,
      priority,
    });
    const { outcome, ...answer } = await ticket.response;
    if (outcome instanceof ServingError) throw outcome;
    return { ...answer, table: requireTable(outcome) };
  }
}

function vectorsOf({ rows, columns, values, rowErrors }: ResultTable): (Float32Array | ServingError)[] {
  return Array.from(
    { length: rows },
    (_, row) => rowErrors?.[row] ?? values.subarray(row * columns, (row + 1) * columns),
  );
}

/** The caller keeps its bytes: those of a request move to the thread that decodes them. */
function toContent(content: LocalPicture | string, input: TaskInput): Content {
  if (input === 'points') throw new ServingError('TASK_NOT_SUPPORTED', 'key points are only read within pipelines');
  if (input === 'tensors') throw new ServingError('TASK_NOT_SUPPORTED', 'tensors are only taken by a server');
  if ((typeof content === 'string') !== (input === 'text')) {
    throw new ServingError('INVALID_REQUEST', `the model takes ${input}s`);
  }
  if (typeof content === 'string') return { kind: 'text', text: content };
  if (content instanceof Uint8Array) return { kind: 'encoded', bytes: new Uint8Array(content) };
  const { data, ...layout } = content;
  return { kind: 'raw', ...layout, bytes: new Uint8Array(data) };
}
