import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.js';
import type { Calibrator, PreparedCalibration } from './calibration/calibrator.js';
import type { CachedEngine, EngineCache } from './engine-cache.js';
import type { EngineInputs } from './engine-inputs.js';
import { engineFacts, engineOptions } from './engine-key.js';
import { callGpuProcess, type GpuLine } from './gpu-process.js';
import {
  gpuAddonFile,
  type CalibrationSpec,
  type EngineBuildResult,
  type EngineBuildSpec,
  type GpuDevice,
} from './native-gpu.js';

/** Builds one plan. Throws MODEL_INVALID, DEVICE_OUT_OF_MEMORY, DEVICE_LOST, DEVICE_UNAVAILABLE or INTERNAL. */
export type BuildEngine = (
  spec: Omit<EngineBuildSpec, 'progressFd'>,
  signal: AbortSignal,
  onLine: (line: GpuLine) => void,
) => Promise<EngineBuildResult>;

/** What is to be built, and who is told. */
export interface BuildJob {
  readonly inputs: EngineInputs;
  readonly device: GpuDevice;
  readonly tensorrt: string;
  /** Ends the build. */
  readonly signal: AbortSignal;
  readonly onLine: (line: GpuLine) => void;
}

/** Builds in a process of its own, so that nothing that serves waits for it or falls with it. */
export const buildInProcess: BuildEngine = async (spec, signal, onLine) => {
  const addonFile = gpuAddonFile();
  if (addonFile === null) throw new ServingError('DEVICE_UNAVAILABLE', 'the GPU addon is not built; run `make native`');
  return callGpuProcess({ addonFile, request: { type: 'build', spec }, signal, onLine });
};

/** Brings plans into the cache, one at a time in the order asked for. */
export class EngineBuilder {
  readonly #cache: EngineCache;
  readonly #build: BuildEngine;
  readonly #calibrator: Calibrator;
  #last: Promise<void> = Promise.resolve();

  constructor(cache: EngineCache, calibrator: Calibrator, build: BuildEngine = buildInProcess) {
    this.#cache = cache;
    this.#calibrator = calibrator;
    this.#build = build;
  }

  /** Runs `work` when everything asked for before has ended. One whose signal is aborted while it waits never runs. */
  async inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const before = this.#last;
    let done = (): void => {};
    const ended = new Promise<void>((resolve) => (done = resolve));
    this.#last = before.then(() => ended);
    try {
      await unlessAborted(before, signal);
      return await work();
    } finally {
      done();
    }
  }

  /** Builds a plan and stores it. Throws as BuildEngine does. */
  async build(job: BuildJob): Promise<CachedEngine> {
    const { inputs, device, tensorrt, signal } = job;
    await using work = await this.#cache.workDirectory();
    const planFile = join(work.path, 'model.plan');
    const onnxFile = join(work.path, 'model.onnx');
    const start = performance.now();
    await writeFile(onnxFile, inputs.onnx);
    const calibration = await this.#calibrate(job, work.path);
    const options = engineOptions(inputs);
    const spec = {
      ...options,
      onnxFile,
      planFile,
      device: device.index,
      plugins: inputs.plugins.map(({ file }) => file),
      timingCacheFile: this.#timingCacheFile(job),
      calibration: calibration === null ? null : this.#calibrationSpec(job, calibration),
    };
    const built = await this.#build(spec, signal, job.onLine);
    const weightsFile = options.stripWeights ? onnxFile : null;
    const pictures = calibration?.heldBack ?? [];
    const accuracy =
      pictures.length === 0
        ? null
        : await this.#calibrator.measure({ inputs, planFile, weightsFile, device, pictures, signal });
    return await this.#cache.store({
      facts: engineFacts(inputs, device, tensorrt),
      planFile,
      weightsFile,
      about: {
        built: {
          tensorrt,
          gpu: device.name,
          computeCapability: device.computeCapability,
          at: new Date().toISOString(),
          seconds: Math.round(performance.now() - start) / 1000,
        },
        layers: built.layers,
        activationBytes: [...built.activationBytes],
        accuracy,
      },
    });
  }

  async #calibrate({ inputs, signal, onLine }: BuildJob, directory: string): Promise<PreparedCalibration | null> {
    if (inputs.calibration === null) return null;
    onLine({ progress: 0, phase: 'calibration pictures' });
    return this.#calibrator.prepare({ inputs, directory, signal });
  }

  #calibrationSpec({ inputs, tensorrt }: BuildJob, prepared: PreparedCalibration): CalibrationSpec | null {
    const how = inputs.config.tensorrt.calibration;
    if (how === undefined) return null;
    const table = createHash('sha256');
    table.update(JSON.stringify([inputs.onnxSha256, inputs.calibration?.sha256, tensorrt]));
    return {
      algorithm: how.algorithm,
      inputs: prepared.inputs,
      batchSize: how.batch_size,
      cacheFile: join(this.#cache.directory, `calibration-${table.digest('hex')}.table`),
    };
  }

  /** What was found out about kernels of one GPU says nothing about another one. */
  #timingCacheFile({ device, tensorrt }: BuildJob): string {
    const gpu = `${device.name}-${device.computeCapability}`.replace(/[^A-Za-z0-9.]+/g, '-');
    return join(this.#cache.directory, `timing-${tensorrt}-${gpu}.cache`);
  }
}

/** `work`, or the reason of `signal` as soon as that is aborted. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
