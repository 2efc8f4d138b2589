import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TASK_INPUTS, type ModelConfig } from '../core/model-config.js';
import { canonicalJson } from './canonical-json.js';
import type { EngineInputs } from './engine-inputs.js';
import type { EngineBuildSpec, GpuDevice } from './native-gpu.js';
import { buildProfiles } from './open-ranges.js';
import { servedTexts } from './text/served-texts.js';

/** What of the configuration a plan is built by. */
export type EngineOptions = Pick<
  EngineBuildSpec,
  | 'precision'
  | 'tf32'
  | 'keepTypes'
  | 'profiles'
  | 'optimizationLevel'
  | 'workspaceBytes'
  | 'auxStreams'
  | 'versionCompatible'
  | 'stripWeights'
  | 'refit'
  | 'hardwareCompatibility'
>;

/** The compute capability that Ampere begins with. */
const AMPERE = 8;

/** Raised when plans of before are to be built anew. */
const FORMAT = 1;

/** Everything that a plan depends on, in the clear. Two plans with the same facts stand for one another. */
export const engineFactsSchema = z.object({
  format: z.literal(FORMAT),
  onnx: z.string(),
  options: z.record(z.string(), z.unknown()),
  plugins: z.array(z.string()),
  calibration: z.string().nullable(),
  /** The version, or only the major one where that is promised to do. */
  tensorrt: z.string(),
  /** What the GPUs that can run it have in common. */
  gpu: z.record(z.string(), z.string()),
});

export type EngineFacts = z.output<typeof engineFactsSchema>;

export function engineFacts(inputs: EngineInputs, device: GpuDevice, tensorrt: string): EngineFacts {
  const options = engineOptions(inputs);
  return {
    format: FORMAT,
    onnx: inputs.onnxSha256,
    options: { ...options },
    plugins: inputs.plugins.map(({ sha256 }) => sha256),
    calibration: inputs.calibration?.sha256 ?? null,
    tensorrt: options.versionCompatible ? majorVersion(tensorrt) : tensorrt,
    gpu: gpuFacts(device, options.hardwareCompatibility),
  };
}

/** The name of a plan: 64 hexadecimal digits. The same for the same facts, in whatever order their keys are. */
export function engineKey(facts: EngineFacts): string {
  return createHash('sha256').update(canonicalJson(facts)).digest('hex');
}

export function engineOptions({ config, profiles }: Pick<EngineInputs, 'config' | 'profiles'>): EngineOptions {
  const { task, tensorrt } = config;
  return {
    precision: tensorrt.precision,
    tf32: tensorrt.tf32,
    // Left out where it is not so: plans of before keep their names.
    ...(task === 'tensors' ? { keepTypes: true } : {}),
    profiles: profiles ?? withLengths(buildProfiles(config), config),
    optimizationLevel: tensorrt.optimization_level,
    workspaceBytes: tensorrt.workspace_bytes ?? null,
    auxStreams: tensorrt.aux_streams ?? null,
    versionCompatible: tensorrt.version_compatible,
    stripWeights: tensorrt.strip_weights,
    refit: tensorrt.refit,
    hardwareCompatibility: tensorrt.hardware_compatibility,
  };
}

/** The profiles of a model that reads texts say how long its rows may be; those of others stay as they are. */
function withLengths(profiles: EngineOptions['profiles'], config: ModelConfig): EngineOptions['profiles'] {
  if (TASK_INPUTS[config.task] === 'picture') return profiles;
  const { length: max, fixed } = servedTexts(config);
  return profiles.map((profile) => ({ ...profile, length: { min: fixed ? max : 1, opt: max, max } }));
}

function gpuFacts(
  { name, computeCapability }: GpuDevice,
  compatibility: EngineOptions['hardwareCompatibility'],
): EngineFacts['gpu'] {
  switch (compatibility) {
    case 'none':
      return { name, computeCapability };
    case 'same_compute_capability':
      return { computeCapability };
    case 'ampere_plus':
      // An older GPU is promised nothing.
      return Number.parseFloat(computeCapability) >= AMPERE ? { from: 'ampere' } : { name, computeCapability };
  }
}

/** `10` of `10.6.0`. */
export function majorVersion(version: string): string {
  return version.split('.')[0] ?? version;
}
