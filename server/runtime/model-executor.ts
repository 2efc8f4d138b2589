import { ServingError } from '../core/errors.js';
import type { Executor } from '../core/executor.js';
import type { MessageRooms } from '../core/message-rooms.js';
import type { ModelConfig } from '../core/model-config.js';
import { chooseDevices, type DeviceChoice } from './device-choice.js';
import { DevicePlans } from './device-plans.js';
import { probeDevices, type DeviceReport } from './device-probe.js';
import { EngineGroup } from './engine-group.js';
import type { EngineInputs } from './engine-inputs.js';
import { engineFacts, engineKey } from './engine-key.js';
import { EnginePlans, whyNoPlan, type EnginePlansOptions } from './engine-plans.js';
import { InstanceGroup } from './instance-group.js';
import type { Placement } from './messages.js';
import { cpuPlacements, gpuPlacements } from './placement.js';
import { UpgradingExecutor } from './upgrading-executor.js';

export interface ModelExecutorsOptions {
  /** CPU threads that the instances of a model share. */
  readonly threads: number;
  /** Most pixels of an encoded picture. */
  readonly maxPicturePixels: number;
  readonly plans: EnginePlansOptions;
  /** Told once that a GPU is beyond use, and with it every later call of this process. */
  readonly onDeviceLost?: (why: string) => void;
  /** As in InstanceGroupOptions. */
  readonly messageRooms?: MessageRooms;
  /** Looks for GPUs; tests put in one that knows. */
  readonly probe?: () => Promise<DeviceReport>;
  /** As in InstanceGroupOptions. */
  readonly workerFile?: URL;
}

/** A version that is to be served. */
export interface VersionToServe {
  readonly model: string;
  readonly version: number;
  readonly modelFile: string;
  readonly config: ModelConfig;
  /** Lines of the labels file; 0: there is none. */
  readonly labels: number;
  /** Aborted when it is not wanted any more: a build of its plan ends. */
  readonly signal: AbortSignal;
}

/** Makes the executor of each version: on the CPU, or on GPUs with plans from the cache or built first. */
export class ModelExecutors {
  readonly #options: ModelExecutorsOptions;
  #plans: Promise<EnginePlans> | null = null;
  #toldWhyCpu = false;

  constructor(options: ModelExecutorsOptions) {
    this.#options = options;
  }

  /**
   * A model of tensors and KIND_AUTO that TensorRT does not take is served on the CPU. Throws DEVICE_UNAVAILABLE,
   * CONFIG_INVALID, MODEL_INVALID, and what a build throws.
   */
  async create(wanted: VersionToServe): Promise<Executor> {
    const choice = await chooseDevices(wanted.config, this.#options.probe ?? probeDevices);
    if (choice.kind === 'cpu') {
      if (choice.reason !== null) this.#tellWhyCpu(choice.reason);
      return await this.#onCpu(wanted);
    }
    try {
      return await this.#onGpus(wanted, choice);
    } catch (cause) {
      const error = whyNoPlan(cause, wanted.signal);
      if (!mayFallBack(error, wanted.config)) throw withAdvice(error, wanted.config);
      this.#logOf(wanted)('warn', `the model is served on the CPU, as TensorRT does not take it: ${error.message}`);
      return await this.#onCpu(wanted);
    }
  }

  #onCpu(wanted: VersionToServe): Promise<Executor> {
    return this.#start(wanted, cpuPlacements(wanted.config, this.#options.threads));
  }

  /** With plans of the cache at once; else as `while_building` says. */
  async #onGpus(wanted: VersionToServe, choice: GpuChoice): Promise<Executor> {
    // What reads model files is not loaded where there is no GPU: a server starts sooner.
    const { readEngineInputs } = await import('./engine-inputs.js');
    const inputs = await readEngineInputs(wanted.modelFile, wanted.config, wanted.signal);
    if (wanted.config.tensorrt.while_building === 'wait') return this.#build(wanted, choice, inputs);
    const plans = await this.#collect('cached', wanted, choice, inputs);
    if (plans !== null) return this.#run(wanted, plans, inputs);
    const log = this.#logOf(wanted);
    log('info', 'the model is served on the CPU until its plan is built');
    return new UpgradingExecutor(await this.#onCpu(wanted), {
      create: (closing) => {
        const signal = AbortSignal.any([wanted.signal, closing]);
        return this.#build({ ...wanted, signal }, choice, inputs);
      },
      log,
    });
  }

  async #build(wanted: VersionToServe, choice: GpuChoice, inputs: EngineInputs): Promise<Executor> {
    const plans = await this.#collect('built', wanted, choice, inputs);
    if (plans === null) throw new ServingError('INTERNAL', 'a build ended without a plan');
    return this.#run(wanted, plans, inputs);
  }

  /** The plans of all GPUs; null where only those of the cache are wanted and one is missing. */
  async #collect(
    from: 'cached' | 'built',
    { model, version, signal }: VersionToServe,
    { devices, tensorrt }: GpuChoice,
    inputs: EngineInputs,
  ): Promise<DevicePlans | null> {
    this.#plans ??= EnginePlans.create(this.#options.plans);
    const source = await this.#plans.catch((cause: unknown) => {
      // The next load tries again: the directory may be there by then.
      this.#plans = null;
      throw cause;
    });
    const keyOf = (device: GpuChoice['devices'][number]) => engineKey(engineFacts(inputs, device, tensorrt));
    return await DevicePlans.collect(devices, keyOf, async (device) => {
      const request = { model, version, inputs, device, tensorrt, signal };
      return from === 'cached' ? await source.cached(request) : (await source.get(request)).engine;
    });
  }

  async #run(wanted: VersionToServe, plans: DevicePlans, { config }: EngineInputs): Promise<Executor> {
    try {
      const group = await this.#start({ ...wanted, config }, gpuPlacements(config, plans.plans));
      return new EngineGroup(group, plans);
    } catch (cause) {
      await plans[Symbol.asyncDispose]();
      throw cause;
    }
  }

  #start(wanted: VersionToServe, placements: readonly Placement[]): Promise<Executor> {
    const { maxPicturePixels, messageRooms, workerFile, onDeviceLost } = this.#options;
    return InstanceGroup.create({
      spec: { modelFile: wanted.modelFile, config: wanted.config, labels: wanted.labels, maxPicturePixels },
      placements,
      log: this.#logOf(wanted),
      ...(messageRooms === undefined ? {} : { messageRooms }),
      ...(workerFile === undefined ? {} : { workerFile }),
      ...(onDeviceLost === undefined ? {} : { onDeviceLost }),
    });
  }

  #logOf({ model, version }: VersionToServe) {
    return (level: 'info' | 'warn' | 'error', message: string): void =>
      this.#options.plans.log(level, `${model}/${version}`, message);
  }

  /** Once for all models: the reason is that of the machine. */
  #tellWhyCpu(reason: string): void {
    if (this.#toldWhyCpu) return;
    this.#toldWhyCpu = true;
    this.#options.plans.log('info', null, `models of KIND_AUTO run on the CPU: ${reason}`);
  }
}

type GpuChoice = DeviceChoice & { readonly kind: 'gpu' };

/**
 * A model of any tensors may be made of what TensorRT lacks, and nobody said that it needs a GPU. Models with a task are
 * such as GPUs are for: one of them on the CPU would be slow without anybody knowing why.
 */
function mayFallBack(error: ServingError, { task, instance_group: { kind } }: ModelConfig): boolean {
  return error.code === 'MODEL_INVALID' && task === 'tensors' && kind === 'KIND_AUTO';
}

/** A model that need not run on a GPU has a way out; one of any tensors may be made of what TensorRT lacks. */
function withAdvice(error: ServingError, { task, instance_group: { kind } }: ModelConfig): ServingError {
  if ((kind !== 'KIND_AUTO' && task !== 'tensors') || error.code !== 'MODEL_INVALID') return error;
  return new ServingError(
    error.code,
    `${error.message} (instance_group.kind KIND_CPU serves the model without a GPU)`,
    { cause: error },
  );
}
