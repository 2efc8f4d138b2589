import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readModelConfig } from '../../server/config/read-model-config.js';
import { resolveServerOptions } from '../../server/config/server-options.js';
import { classifyParameters } from '../../server/core/classifications.js';
import { detectParameters } from '../../server/core/detections.js';
import { ServingError } from '../../server/core/errors.js';
import type { Executor } from '../../server/core/executor.js';
import {
  requireTable,
  type BatchResult,
  type InferenceRequest,
  type TaskParameters,
} from '../../server/core/inference.js';
import { TASK_INPUTS, TASK_KINDS, TASKS_OF_REGIONS, type ModelConfig } from '../../server/core/model-config.js';
import type { Region } from '../../server/core/picture.js';
import { scanModel, type ModelContent } from '../../server/core/repository-scan.js';
import { NO_STATISTICS } from '../../server/core/statistics.js';
import { PictureCalibrator } from '../../server/runtime/calibration/picture-calibrator.js';
import { ModelExecutors } from '../../server/runtime/model-executor.js';
import { root } from './bench-repository.js';
import { median } from './figures.js';
import type { Aim, Report } from './report.js';
import { taskScenes, type TaskScene } from './task-scenes.js';

export const TASK_BATCHES = [1, 16] as const;
const MOST = Math.max(...TASK_BATCHES);

/** Models of a size that is really served. */
const REAL_MODELS = ['centerface', 'reid'];

const PHASES = ['decode', 'preprocess', 'infer', 'postprocess'] as const;

/** Milliseconds a picture. */
type Phases = { readonly [Phase in (typeof PHASES)[number]]: number };

/** What a batch of a model spends on what. Survives JSON. */
export interface TaskFigures {
  readonly model: string;
  readonly task: string;
  /** Size of the network input. */
  readonly input: string;
  readonly batches: readonly {
    readonly batch: number;
    /** Rows of results a picture: what there was to post-process. */
    readonly found: number;
    /** Of each repetition the medians. */
    readonly runs: readonly Phases[];
  }[];
}

export interface TaskMeasuring {
  readonly kind: 'KIND_CPU' | 'KIND_GPU';
  /** Where plans are kept; left out: as the server has it. */
  readonly engineCache?: string;
  readonly repetitions: number;
  /** Of one measurement, at least. */
  readonly milliseconds: number;
}

/** The directories of all models that see: the trained ones of test/models, one or more a task, and real ones. */
export async function taskModels(): Promise<string[]> {
  const trained = join(root, 'test', 'models');
  const names = (await readdir(trained)).sort();
  const directories = [
    ...names.map((name) => join(trained, name)),
    ...REAL_MODELS.map((name) => join(root, 'model-repo', name)),
  ];
  const contents = await Promise.all(directories.map(contentOf));
  return directories.filter((_, index) => {
    const { task } = contents[index]!.config;
    return TASK_INPUTS[task] === 'picture' && task !== 'pipeline';
  });
}

/** Runs a model as it is served, but with one instance and given whole batches: pictures of raw pixels. */
export async function measureTask(directory: string, measuring: TaskMeasuring): Promise<TaskFigures> {
  const { labels, versions, config: configured } = await contentOf(directory);
  const config: ModelConfig = {
    ...configured,
    max_batch_size: MOST,
    instance_group: { ...configured.instance_group, kind: measuring.kind, count: 1 },
    // As in gpu/bench-models.ts: plans are built sooner, and are nearly as fast.
    tensorrt: { ...configured.tensorrt, optimization_level: 1 },
  };
  const [model, file] = [basename(directory), versions.at(-1)!];
  const executors = createExecutors(measuring.engineCache);
  await using executor = await executors.create({
    model,
    version: file.version,
    modelFile: file.path,
    config,
    labels: labels.length,
    signal: new AbortController().signal,
  });
  const scenes = await taskScenes(MOST);
  const figures = TASK_BATCHES.map((batch) => ({ batch, found: 0, runs: [] as Phases[] }));
  for (const { batch } of figures) await run(executor, config, scenes, batch, measuring.milliseconds / 4);
  for (let repetition = 0; repetition < measuring.repetitions; repetition++) {
    // In turns, so that what else the machine does meets both alike.
    for (const figure of figures) {
      const results = await run(executor, config, scenes, figure.batch, measuring.milliseconds);
      figure.found = rowsOf(results) / (results.length * figure.batch);
      figure.runs.push(phasesOf(results, figure.batch));
    }
  }
  const { width, height } = config.input;
  return { model, task: config.task, input: `${width}x${height}`, batches: figures };
}

/** Adds the figures of models to a report, and the same as a table. */
export function reportTasks(report: Report, models: readonly TaskFigures[], aim?: Aim): void {
  const rows: string[][] = [];
  for (const { model, task, input, batches } of models) {
    for (const { batch, found, runs } of batches) {
      const at = { task, input, batch };
      for (const phase of PHASES) {
        const values = runs.map((phases) => phases[phase]);
        report.add({ bench: 'tasks', figure: `${model}: ${phase}`, at, unit: 'ms/picture', runs: values });
      }
      const beside = runs.map(({ preprocess, infer, postprocess }) => (preprocess + infer + postprocess) / infer);
      const figure = `${model}: (pre + infer + post) / infer`;
      report.add({ bench: 'tasks', figure, at, unit: 'ratio', runs: beside, ...(aim === undefined ? {} : { aim }) });
      const phases = PHASES.map((phase) => median(runs.map((values) => values[phase])).toFixed(3));
      rows.push([model, task, input, `${batch}`, ...phases, median(beside).toFixed(3), found.toFixed(1)]);
    }
  }
  report.table(
    'Milliseconds a picture (raw RGB of 640x480), and (pre + infer + post) / infer',
    ['model', 'task', 'input', 'batch', 'decode', 'pre', 'infer', 'post', 'ratio', 'found a picture'],
    rows,
  );
}

async function contentOf(directory: string): Promise<ModelContent> {
  const snapshot = await scanModel(dirname(directory), basename(directory), readModelConfig);
  if (snapshot === null) throw new Error(`${directory} is not a model directory`);
  if (snapshot.content instanceof ServingError) throw snapshot.content;
  return snapshot.content;
}

function createExecutors(engineCache: string | undefined): ModelExecutors {
  const { threads, maxPicturePixels, engineCache: usual, engineCacheBytes } = resolveServerOptions({});
  const limits = { threads, maxPicturePixels };
  return new ModelExecutors({
    ...limits,
    plans: {
      directory: engineCache ?? usual,
      maxBytes: engineCacheBytes,
      calibrator: new PictureCalibrator(limits),
      statistics: NO_STATISTICS.engines,
      log: () => {},
    },
  });
}

/** Runs batches one after the other, for `atLeast` milliseconds. Throws what any picture failed with. */
async function run(
  executor: Executor,
  config: ModelConfig,
  scenes: readonly TaskScene[],
  batch: number,
  atLeast: number,
): Promise<BatchResult[]> {
  const end = performance.now() + atLeast;
  const results: BatchResult[] = [];
  do {
    const from = (results.length * batch) % scenes.length;
    const result = await executor.execute(scenes.slice(from, from + batch).map((scene) => requestOf(config, scene)));
    for (const { outcome } of result.results) {
      if (outcome instanceof ServingError) throw outcome;
      const failed = requireTable(outcome).rowErrors?.find((error) => error !== null);
      if (failed !== undefined && failed !== null) throw failed;
    }
    results.push(result);
  } while (performance.now() < end);
  return results;
}

/** One row of a batch. The pixels are copied: those of a request move to the thread of the instance. */
function requestOf(config: ModelConfig, { width, height, data, person, face }: TaskScene): InferenceRequest {
  const ofRegions = TASKS_OF_REGIONS.has(config.task) || TASK_KINDS[config.task] === 'embed';
  const region = config.preprocess.alignment === undefined ? person : face;
  return {
    content: { kind: 'raw', format: 'rgb8', width, height, stride: width * 3, bytes: new Uint8Array(data) },
    parameters: parametersOf(config, ofRegions ? [region] : []),
    rows: 1,
    batchKey: '',
    arrivedAt: 0,
    deadlineAt: null,
    priority: 1,
  };
}

function parametersOf(config: ModelConfig, regions: readonly Region[]): TaskParameters {
  switch (TASK_KINDS[config.task]) {
    case 'detect':
      return detectParameters({ regions }, config);
    case 'embed':
      return { kind: 'embed', regions };
    case 'classify':
      return classifyParameters({}, regions, config);
    case 'segment':
      return { kind: 'segment', probabilityMap: false };
    case 'infer':
      return { kind: 'infer', outputs: null };
  }
}

function phasesOf(results: readonly BatchResult[], batch: number): Phases {
  const of = (phase: (typeof PHASES)[number]): number =>
    median(results.map(({ phases }) => phases[phase])) / batch / 1000;
  return {
    decode: of('decode'),
    preprocess: of('preprocess'),
    infer: of('infer'),
    postprocess: of('postprocess'),
  };
}

function rowsOf(batches: readonly BatchResult[]): number {
  const outcomes = batches.flatMap(({ results }) => results.map(({ outcome }) => outcome));
  return outcomes.reduce((sum, outcome) => sum + (outcome instanceof ServingError ? 0 : requireTable(outcome).rows), 0);
}
