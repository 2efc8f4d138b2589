import type { BuildOutcome, EngineStatistics } from '../core/engine-statistics.js';
import { errorMessage, ServingError } from '../core/errors.js';
import { BuildProgress } from './build-progress.js';
import type { Calibrator } from './calibration/calibrator.js';
import { EngineBuilder, type BuildEngine } from './engine-builder.js';
import { EngineCache, type CachedEngine } from './engine-cache.js';
import type { EngineInputs } from './engine-inputs.js';
import { engineFacts, engineKey } from './engine-key.js';
import type { GpuLine } from './gpu-process.js';
import type { GpuDevice } from './native-gpu.js';

/** `model` is NAME/VERSION; null where it is about the cache. */
export type PlanLog = (level: 'info' | 'warn' | 'error', model: string | null, message: string) => void;

export interface EnginePlansOptions {
  /** Where plans are kept. */
  readonly directory: string;
  /** What they may take there. */
  readonly maxBytes: number;
  readonly calibrator: Calibrator;
  readonly statistics: EngineStatistics;
  readonly log: PlanLog;
  /** Tests put in one that needs no GPU. */
  readonly build?: BuildEngine;
}

/** A plan that is wanted. */
export interface PlanRequest {
  readonly model: string;
  readonly version: number;
  readonly inputs: EngineInputs;
  readonly device: GpuDevice;
  /** Version of the library that will run it. */
  readonly tensorrt: string;
  /** Aborted when the plan is not wanted any more. */
  readonly signal: AbortSignal;
  /** Builds even what is in the cache. */
  readonly force?: boolean;
  /** Told how far a build is, 0 to 1. */
  readonly onProgress?: (fraction: number, phase: string) => void;
}

export interface Plan {
  readonly source: 'cache' | 'built';
  readonly engine: CachedEngine;
}

/** Where plans come from: the cache, or a build that fills it. */
export class EnginePlans {
  readonly #options: EnginePlansOptions;
  readonly #cache: EngineCache;
  readonly #builder: EngineBuilder;

  private constructor(options: EnginePlansOptions, cache: EngineCache) {
    this.#options = options;
    this.#cache = cache;
    this.#builder = new EngineBuilder(cache, options.calibrator, options.build);
  }

  /** Throws INTERNAL where the directory cannot be used. */
  static async create(options: EnginePlansOptions): Promise<EnginePlans> {
    const { directory, maxBytes, log } = options;
    const cache = await EngineCache.create({ directory, maxBytes, log: (level, text) => log(level, null, text) });
    return new EnginePlans(options, cache);
  }

  /** The plan, if it is in the cache. Throws MODEL_INVALID for one that is not accurate enough. */
  async cached(request: PlanRequest): Promise<CachedEngine | null> {
    const found = await this.#cache.lookup(factsOf(request), request.tensorrt);
    this.#options.statistics.planLookedUp(found.result);
    if (found.result === 'stale') {
      this.#log('warn', request, `the plan in the cache is not used: ${found.reason}`);
    }
    return found.result === 'hit' ? accurate(found.engine, request) : null;
  }

  /**
   * The plan, from the cache or built; one build at a time, in this process and beside others on the same directory.
   * Throws as BuildEngine does, MODEL_INVALID for a plan that is not accurate enough, and the reason of the signal.
   */
  async get(request: PlanRequest): Promise<Plan> {
    const { signal, force = false } = request;
    const known = force ? null : await this.cached(request);
    if (known !== null) return { source: 'cache', engine: known };
    return await this.#builder.inTurn(signal, () => this.#build(request, force));
  }

  async #build(request: PlanRequest, force: boolean): Promise<Plan> {
    const key = force ? null : engineKey(factsOf(request));
    for (;;) {
      await using lock = await this.#cache.lock(key, request.signal);
      // Another process, or another model that is the same, may have brought it meanwhile.
      const engine = force || !(await this.#cache.has(key ?? '')) ? null : await this.cached(request);
      if (engine !== null) return { source: 'cache', engine };
      if (lock !== null) return { source: 'built', engine: await accurate(await this.#buildNow(request), request) };
    }
  }

  async #buildNow(request: PlanRequest): Promise<CachedEngine> {
    const { model, version, inputs, device, tensorrt, signal } = request;
    const where = `GPU ${device.index} (${device.name})`;
    const statistics = this.#options.statistics.buildStarted(model, version, device.index);
    const progress = new BuildProgress(
      (fraction, phase) => {
        statistics.progress(fraction);
        request.onProgress?.(fraction, phase);
      },
      (line) => this.#log('info', request, `building the plan for ${where}: ${line}`),
    );
    const onLine = (line: GpuLine): void => {
      if ('progress' in line) progress.update(line.progress, line.phase);
      else this.#log(line.level, request, `TensorRT: ${line.message}`);
    };
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    let outcome: BuildOutcome = 'failed';
    this.#log('info', request, `building the plan for ${where}`);
    try {
      const engine = await this.#builder.build({ inputs, device, tensorrt, signal, onLine });
      outcome = 'built';
      const { plan, accuracy } = engine.sidecar;
      const size = `${(plan.bytes / 1e6).toFixed(1)} MB`;
      this.#log('info', request, `built the plan for ${where} in ${seconds().toFixed(1)} s: ${size}`);
      if (accuracy !== null) this.#log('info', request, `the plan beside the fp32 model: ${accuracy.summary}`);
      return engine;
    } catch (cause) {
      if (signal.aborted) outcome = 'abandoned';
      throw cause;
    } finally {
      statistics.ended(outcome, seconds());
    }
  }

  #log(level: 'info' | 'warn' | 'error', { model, version }: PlanRequest, message: string): void {
    this.#options.log(level, `${model}/${version}`, message);
  }
}

function factsOf({ inputs, device, tensorrt }: PlanRequest) {
  return engineFacts(inputs, device, tensorrt);
}

/** Gives back the engine, unless it agrees less with the fp32 model than the configuration asks for. */
async function accurate(engine: CachedEngine, { inputs }: PlanRequest): Promise<CachedEngine> {
  const floor = inputs.config.tensorrt.calibration?.accuracy_floor ?? 0;
  const { accuracy } = engine.sidecar;
  if (accuracy === null || accuracy.agreement >= floor) return engine;
  await engine[Symbol.asyncDispose]();
  throw new ServingError(
    'MODEL_INVALID',
    `the plan agrees with the fp32 model to ${accuracy.agreement.toFixed(4)}, less than ` +
      `tensorrt.calibration.accuracy_floor, which is ${floor}: calibrate with more pictures that are like those to come, ` +
      `or use precision fp16 (${accuracy.summary})`,
  );
}

/** Why a plan was not built, to those who wait for it: what was abandoned did not fail. */
export function whyNoPlan(cause: unknown, signal: AbortSignal): ServingError {
  if (!signal.aborted || signal.reason instanceof ServingError) return ServingError.from(signal.reason ?? cause);
  return new ServingError('CANCELLED', `the plan is not wanted any more: ${errorMessage(signal.reason)}`, { cause });
}
