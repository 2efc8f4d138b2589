import { ServingError } from './errors.js';
import type { ModelControlMode, ModelRepository } from './model-repository.js';

/** Loads and unloads models, in this process or in all that the server has. */
export interface ModelControl extends Pick<ModelRepository, 'unload'> {
  /** As ModelRepository.load. */
  load(name: string, override: string | null): Promise<void>;
}

/** Throws CONFIG_INVALID unless clients may load and unload models. */
export function requireExplicit(controlMode: ModelControlMode): void {
  if (controlMode === 'explicit') return;
  throw new ServingError(
    'CONFIG_INVALID',
    `models are loaded and unloaded by call only with --model-control-mode explicit; it is ${controlMode}`,
  );
}
