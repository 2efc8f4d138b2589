import { writeFile } from 'node:fs/promises';
import type { EngineStatistics } from '../../server/core/engine-statistics.js';
import type { Calibrator } from '../../server/runtime/calibration/calibrator.js';
import type { BuildEngine } from '../../server/runtime/engine-builder.js';
import type { EngineInputs } from '../../server/runtime/engine-inputs.js';
import type { DeviceReport } from '../../server/runtime/device-probe.js';
import type { EngineBuildSpec, GpuDevice, GpuInfo } from '../../server/runtime/native-gpu.js';
import { makeConfig } from './requests.js';
import type { ScratchDirectory } from './scratch-directory.js';

/** What stands for GPUs on a machine that has none. */

export const INFO: GpuInfo = { version: '1', cuda: '13.0', tensorrt: '10.6.0', driver: '580' };

export function gpu(index = 0, name = 'Fake 100', computeCapability = '9.0'): GpuDevice {
  return { index, uuid: `GPU-${index}`, name, computeCapability, memoryBytes: 1e9 };
}

export function found(...devices: readonly GpuDevice[]): DeviceReport {
  return { kind: 'found', info: INFO, devices };
}

export function none(reason = 'there is no driver'): DeviceReport {
  return { kind: 'none', reason };
}

/**
 * Writes a file that can be loaded in place of the addon. `parts` are the bodies of its functions; `spec` is in sight of
 * `buildEngine` and `openSharedMemory`, and `fs` of all.
 */
export function fakeAddon(
  scratch: ScratchDirectory,
  parts: { readonly devices?: string; readonly buildEngine?: string; readonly openSharedMemory?: string },
): Promise<string> {
  const { devices = `return ${JSON.stringify([gpu()])};`, buildEngine = GOOD_BUILD, openSharedMemory = '' } = parts;
  const text = [
    "const fs = require('node:fs');",
    `exports.info = () => (${JSON.stringify(INFO)});`,
    `exports.devices = () => { ${devices} };`,
    'exports.telemetry = () => [];',
    `exports.buildEngine = (spec) => { ${buildEngine} };`,
    `exports.openSharedMemory = (spec) => { ${openSharedMemory} };`,
  ];
  return scratch.write('fake-addon.cjs', text.join('\n'));
}

/** As a build that succeeds. */
export const GOOD_BUILD =
  "fs.writeFileSync(spec.planFile, 'plan'); return { planBytes: 4, activationBytes: [100], layers: 3 };";

/** Keeps the thread busy, as native code does. */
export const FOR_EVER = 'for (;;) {}';

/** Builds at once, or when the test says so, and remembers what it was asked for. */
export class FakeBuilds {
  readonly specs: Omit<EngineBuildSpec, 'progressFd'>[] = [];
  /** Builds that run now, and the most that ever did. */
  running = 0;
  most = 0;
  /** What each build waits for. */
  hold: Promise<unknown> = Promise.resolve();
  /** What the next builds fail with; null: they do not. */
  failure: Error | null = null;

  readonly build: BuildEngine = async (spec, signal, onLine) => {
    this.specs.push(spec);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    try {
      onLine({ progress: 0.5, phase: 'half way' });
      signal.throwIfAborted();
      const aborted = new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
      await Promise.race([this.hold, aborted]);
      if (this.failure !== null) throw this.failure;
      await writeFile(spec.planFile, `plan ${this.specs.length}`);
      return { planBytes: 6, activationBytes: [1000, 2000], layers: 5 };
    } finally {
      this.running -= 1;
    }
  };
}

/** What a plan is built from, without a model file: `keys` as config.yaml would have them. */
export function makeInputs(
  keys: Readonly<Record<string, unknown>> = {},
  changes: Partial<EngineInputs> = {},
): EngineInputs {
  return {
    config: makeConfig(keys),
    modelFile: 'models/cats/1/model.onnx',
    onnx: new TextEncoder().encode('onnx'),
    onnxSha256: 'a'.repeat(64),
    inputName: 'input',
    plugins: [],
    calibration: null,
    profiles: null,
    ...changes,
  };
}

export const NO_STATISTICS: EngineStatistics = {
  planLookedUp: () => {},
  buildStarted: () => ({ progress: () => {}, ended: () => {} }),
};

/** For builds that calibrate nothing. */
export const NO_CALIBRATOR: Calibrator = {
  prepare: () => Promise.reject(new Error('nothing is to be calibrated')),
  measure: () => Promise.reject(new Error('nothing is to be measured')),
};
