import { join } from 'node:path';
import { readModelConfig } from './config/read-model-config.js';
import type { ServerOptions } from './config/server-options.js';
import { errorMessage, ServingError } from './core/errors.js';
import type { ModelConfig } from './core/model-config.js';
import { scanRepository, type ModelSnapshot, type VersionFile } from './core/repository-scan.js';
import { NO_STATISTICS } from './core/statistics.js';
import { selectVersions } from './core/version-policy.js';
import { PictureCalibrator } from './runtime/calibration/picture-calibrator.js';
import { chooseDevices, type DeviceChoice } from './runtime/device-choice.js';
import { probeDevices, type DeviceReport } from './runtime/device-probe.js';
import { readEngineInputs } from './runtime/engine-inputs.js';
import { engineFacts, engineKey } from './runtime/engine-key.js';
import { EnginePlans, type PlanLog } from './runtime/engine-plans.js';
import type { BuildEngine } from './runtime/engine-builder.js';
import type { GpuDevice } from './runtime/native-gpu.js';

/** What a plan came to, or why there is none. */
export type PlanOutcome = PlanReady | PlanFailure;

interface PlanSubject {
  readonly model: string;
  /** Null where the model as a whole is broken. */
  readonly version: number | null;
}

export interface PlanReady extends PlanSubject {
  /** Indices of the GPUs that share it. */
  readonly devices: readonly number[];
  readonly gpu: string;
  readonly precision: ModelConfig['tensorrt']['precision'];
  readonly source: 'cache' | 'built';
  /** That it took to build, whenever that was. */
  readonly buildSeconds: number;
  readonly planBytes: number;
  /** Device memory of one execution context, of the profile that takes most. */
  readonly activationBytes: number;
  /** With the fp32 model, 0 to 1; null where it was not measured. */
  readonly agreement: number | null;
}

export interface PlanFailure extends PlanSubject {
  readonly error: string;
}

export interface PlanBuildsOptions extends Pick<
  ServerOptions,
  'modelRepository' | 'engineCache' | 'engineCacheBytes' | 'threads' | 'maxPicturePixels'
> {
  /** Builds what is in the cache too. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly log: PlanLog;
  /** `model` is NAME/VERSION, `fraction` 0 to 1. */
  readonly onProgress: (model: string, fraction: number, phase: string) => void;
  /** Tests put in one that knows. */
  readonly probe?: () => Promise<DeviceReport>;
  /** Tests put in one that needs no GPU. */
  readonly build?: BuildEngine;
}

/** Plans of a model repository, built before a server needs them. */
export class PlanBuilds {
  readonly #options: PlanBuildsOptions;
  readonly #plans: EnginePlans;

  private constructor(options: PlanBuildsOptions, plans: EnginePlans) {
    this.#options = options;
    this.#plans = plans;
  }

  /** Throws DEVICE_UNAVAILABLE where there is no GPU, INTERNAL where the cache cannot be used. */
  static async create(options: PlanBuildsOptions): Promise<PlanBuilds> {
    const report = await (options.probe ?? probeDevices)();
    if (report.kind === 'none') {
      throw new ServingError('DEVICE_UNAVAILABLE', `plans are built on the GPU that runs them: ${report.reason}`);
    }
    const { engineCache: directory, engineCacheBytes: maxBytes, log, build } = options;
    const plans = await EnginePlans.create({
      directory,
      maxBytes,
      calibrator: new PictureCalibrator(options),
      statistics: NO_STATISTICS.engines,
      log,
      ...(build === undefined ? {} : { build }),
    });
    return new PlanBuilds(options, plans);
  }

  /**
   * Builds the plans of the versions that would be served, of `names` or of all models that may run on GPUs, one after
   * the other. Throws MODEL_NOT_FOUND, and the signal's reason.
   */
  async *run(names: readonly string[]): AsyncGenerator<PlanOutcome> {
    for (const { name, content } of await this.#snapshots(names)) {
      if (content instanceof ServingError) {
        yield { model: name, version: null, error: content.message };
        continue;
      }
      const { config } = content;
      if (config.instance_group.kind === 'KIND_CPU') {
        if (!names.includes(name)) continue;
        yield { model: name, version: null, error: 'instance_group.kind is KIND_CPU: it takes no plan' };
        continue;
      }
      const versions = selectVersions(
        config.version_policy,
        content.versions.map(({ version }) => version),
      );
      for (const file of content.versions.filter(({ version }) => versions.includes(version))) {
        yield* this.#version(name, file, config);
      }
    }
  }

  async #snapshots(names: readonly string[]): Promise<ModelSnapshot[]> {
    const { modelRepository } = this.#options;
    const snapshots = await scanRepository(modelRepository, readModelConfig).catch((cause: unknown) => {
      throw new ServingError(
        'CONFIG_INVALID',
        `the model repository cannot be read: ${errorMessage(cause)}; set --model-repository`,
        { cause },
      );
    });
    for (const name of names) {
      if (snapshots.some((snapshot) => snapshot.name === name)) continue;
      throw new ServingError('MODEL_NOT_FOUND', `there is no model directory ${join(modelRepository, name)}`);
    }
    return names.length === 0 ? snapshots : snapshots.filter(({ name }) => names.includes(name));
  }

  async *#version(model: string, { version, path }: VersionFile, config: ModelConfig): AsyncGenerator<PlanOutcome> {
    const { signal, force, onProgress, probe = probeDevices } = this.#options;
    try {
      const choice = await chooseDevices(config, probe);
      if (choice.kind === 'cpu') return;
      const { tensorrt } = choice;
      const inputs = await readEngineInputs(path, config, signal);
      const keyOf = (device: GpuDevice) => engineKey(engineFacts(inputs, device, tensorrt));
      for (const sharing of groups(choice, keyOf)) {
        const [device] = sharing;
        const { source, engine } = await this.#plans.get({
          model,
          version,
          inputs,
          device,
          tensorrt,
          signal,
          force,
          onProgress: (fraction, phase) => onProgress(`${model}/${version}`, fraction, phase),
        });
        await using held = engine;
        const { plan, built, activationBytes, accuracy } = held.sidecar;
        yield {
          model,
          version,
          devices: sharing.map(({ index }) => index),
          gpu: device.name,
          precision: config.tensorrt.precision,
          source,
          buildSeconds: built.seconds,
          planBytes: plan.bytes,
          activationBytes: Math.max(0, ...activationBytes),
          agreement: accuracy?.agreement ?? null,
        };
      }
    } catch (cause) {
      signal.throwIfAborted();
      yield { model, version, error: errorMessage(cause) };
    }
  }
}

/** GPUs that share a plan, each group with at least one. */
function groups(
  { devices }: DeviceChoice & { readonly kind: 'gpu' },
  keyOf: (device: GpuDevice) => string,
): [GpuDevice, ...GpuDevice[]][] {
  const found = new Map<string, [GpuDevice, ...GpuDevice[]]>();
  for (const device of devices) {
    const group = found.get(keyOf(device));
    if (group === undefined) found.set(keyOf(device), [device]);
    else group.push(device);
  }
  return [...found.values()];
}
