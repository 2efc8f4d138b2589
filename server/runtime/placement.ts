import type { ModelConfig } from '../core/model-config.js';
import type { Placement } from './messages.js';

/** Instances of a CPU model that names no count: one a core, but not so many that weights fill the memory. */
const MOST_DEFAULT_CPU_INSTANCES = 4;

/**
 * Instances on each GPU of a model that names no count: while two compute, the others decode, copy and answer. They share
 * execution contexts, so that each takes little memory.
 */
const DEFAULT_GPU_INSTANCES = 4;

/** A plan for one GPU. */
export interface DevicePlan {
  readonly device: number;
  readonly planFile: string;
  readonly weightsFile: string | null;
}

/** One placement an instance of `config` on the CPU, whose `threads` they share. */
export function cpuPlacements({ instance_group: group }: ModelConfig, threads: number): Placement[] {
  const instances = group.count ?? Math.min(threads, MOST_DEFAULT_CPU_INSTANCES);
  const each = group.intra_op_thread_count ?? Math.max(1, Math.floor(threads / instances));
  return Array.from({ length: instances }, () => ({ kind: 'cpu', threads: each }));
}

/**
 * One placement an instance of `config` on GPUs: `count` on each, as Triton has it, the devices taking turns so that the
 * first instances to be used are on different ones.
 */
export function gpuPlacements({ instance_group: group }: ModelConfig, plans: readonly DevicePlan[]): Placement[] {
  const rounds = Array.from({ length: group.count ?? DEFAULT_GPU_INSTANCES });
  return rounds.flatMap(() => plans.map((plan) => ({ kind: 'gpu', ...plan }) as const));
}
