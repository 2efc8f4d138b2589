import type { CachedEngine } from './engine-cache.js';
import type { GpuDevice } from './native-gpu.js';
import type { DevicePlan } from './placement.js';

/** The plans of a version on several GPUs. It keeps them in the cache until it is disposed. */
export class DevicePlans implements AsyncDisposable {
  /** One for each GPU, in the order asked for. */
  readonly plans: readonly DevicePlan[];
  readonly #engines: readonly CachedEngine[];

  private constructor(plans: readonly DevicePlan[], engines: readonly CachedEngine[]) {
    this.plans = plans;
    this.#engines = engines;
  }

  /**
   * Fetches a plan for each of `devices`, one for those that can share it as `keyOf` says. Null as soon as `fetch` has
   * none.
   */
  static async collect(
    devices: readonly GpuDevice[],
    keyOf: (device: GpuDevice) => string,
    fetch: (device: GpuDevice) => Promise<CachedEngine | null>,
  ): Promise<DevicePlans | null> {
    const engines = new Map<string, CachedEngine>();
    const plans: DevicePlan[] = [];
    try {
      for (const device of devices) {
        const key = keyOf(device);
        const engine = engines.get(key) ?? (await fetch(device));
        if (engine === null) {
          await release(engines.values());
          return null;
        }
        engines.set(key, engine);
        plans.push({ device: device.index, planFile: engine.planFile, weightsFile: engine.weightsFile });
      }
      return new DevicePlans(plans, [...engines.values()]);
    } catch (cause) {
      await release(engines.values());
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await release(this.#engines);
  }
}

async function release(engines: Iterable<CachedEngine>): Promise<void> {
  for (const engine of engines) await engine[Symbol.asyncDispose]();
}
